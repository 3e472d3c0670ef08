import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issue, leaf } from './support/answers.ts';
import { type Bed, makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { assertStops } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

const TOLD_WITHIN_MS = 60_000;
/** Long enough for an Event that should not come to come. */
const SETTLED_MS = 1_500;
const NOT_WRITTEN = 'writing an Event failed';

/** What `kubectl get events` would show of it: type, reason, message, and how often. */
function told(bed: Bed): string[] {
  const uid = bed.secret()?.metadata.uid;
  return bed.cluster
    .list('Event', NAMESPACE)
    .filter(({ involvedObject }) => JSON.stringify(involvedObject).includes(`"uid":"${uid}"`))
    .map(({ type, reason, message, count }) => `${type} ${reason} ${message} x${count}`)
    .sort();
}

async function tells(bed: Bed, line: RegExp): Promise<void> {
  await eventually(
    () => `an Event ${line} among\n${told(bed).join('\n')}`,
    () => told(bed).some((event) => line.test(event)),
    TOLD_WITHIN_MS,
  );
}

/** Resolves when Consul's answer of now has been heard. */
async function asksAgain(bed: Bed): Promise<void> {
  const asked = () => bed.consul.requests.filter(({ target }) => target === 'leaf').length;
  const before = asked();
  await eventually('two more queries', () => asked() >= before + 2, TOLD_WITHIN_MS);
}

describe('Events on the Secret', { concurrency: 2 }, () => {
  test('tell a rotation once, whichever of two replicas writes', async (t) => {
    const bed = await makeBed(t);
    await Promise.all([bed.startReady(), bed.startReady()]);
    await bed.watched();

    await bed.consul.rotateRoot({ leafDelayMs: 1_000 });

    await tells(bed, /inactive-root/);
    await sleep(SETTLED_MS);
    assert.deepEqual(told(bed), [
      'Normal Published inactive-root: the published leaf does not chain to the active root x1',
      'Normal Published missing: no identity was published x1',
      'Normal Published roots-changed: the list of roots changed x1',
    ]);
    const { annotations } = bed.secret()?.metadata ?? {};
    assert.match(
      annotations?.['ambassador-consul-connector/write-history'] ?? '',
      /^\S+Z roots-changed: the list of roots changed\n\S+Z missing: no identity was published$/,
    );
  });

  test('tell a refusal with its code and remedy, and count it when it comes again', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady({ _CONSUL_WAIT: '1s' });
    const other = await issue(bed, { service: 'somebody-else' });

    for (const count of [1, 2]) {
      bed.consul.script('leaf', leaf(other, other.certPem));
      await tells(
        bed,
        new RegExp(`^Warning Rejected WRONG_SERVICE: .*; remedy: .*_CONSUL_SERVICE.* x${count}$`),
      );
      bed.consul.clearScripts();
      await asksAgain(bed);
    }

    assert.equal(told(bed).length, 2, told(bed).join('\n'));
  });

  test('tell a repair again and again in one Event', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady();
    await bed.watched();

    for (const count of [1, 2, 3]) {
      bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => delete metadata.labels);
      await tells(bed, new RegExp(`^Normal Published repair: .* x${count}$`));
    }

    assert.equal(told(bed).length, 2);
  });

  test('tell what `once` wrote too', async (t) => {
    const bed = await makeBed(t);

    const { code } = await bed.start({}, ['once']).exited;

    assert.equal(code, 0);
    assert.deepEqual(told(bed), ['Normal Published missing: no identity was published x1']);
  });

  test('need a right of their own: without it the daemon is ready, and says once which rule is missing', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ resource: 'events' });
    const daemon = await bed.startReady();
    await bed.watched();
    bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => delete metadata.labels);
    await eventually('the repair', () => bed.secret()?.metadata.labels !== undefined, TOLD_WITHIN_MS);
    await sleep(SETTLED_MS);

    const said = daemon.logs.filter(({ msg }) => msg === NOT_WRITTEN);

    assert.equal(said.length, 1);
    assert.match(String(said[0]?.['remedy']), /resources: \["events"\], verbs: \["create"\]/);
    assert.equal((await daemon.get('/readyz')).status, 200);
  });

  test('delay neither a publication nor a stop where the API server does not answer about them', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.script({ resource: 'events' }, 'hang');
    const daemon = await bed.startReady();
    const before = bed.entry('tls.crt');

    await bed.consul.rotateRoot({ leafDelayMs: 0 });

    await eventually('the new leaf', () => bed.entry('tls.crt') !== before, TOLD_WITHIN_MS);
    await assertStops(daemon);
  });
});
