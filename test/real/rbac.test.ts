import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { without } from '../contract/kubernetes/rules.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { type Rule, rulesOf, setRules } from './role.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

let shipped: readonly Rule[];
const world = useWorld({}, async (world) => {
  shipped = await rulesOf(world);
});

test('27: Each verb taken from the Role is named, with the rule to add, and is all that was missing; without a Service the Secret is still published', async (t) => {
  // Without those on Events the daemon is ready: see the next test.
  const granted = shipped
    .flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ resource, verb }))),
    )
    .filter(({ resource }) => resource !== 'events');
  assert.equal(granted.length, 8, 'list, watch, patch and create, on secrets and on services');

  for (const { resource, verb } of granted) {
    await world.deletePublished();
    await lacking(t, verb, resource);
    const daemon = await world.startDaemon(t);
    if (verb === 'patch') await edit(resource);
    const rule = new RegExp(`resources: \\["${resource}"\\].*verbs: \\["${verb}"\\]`);
    await daemon.line(({ remedy }) => rule.test(String(remedy)));
    if (resource === 'services' && verb === 'create') {
      await eventually('the Secret', () => world.show('secret', SECRET));
      await daemon.unready(rule);
    }

    await setRules(world, shipped);

    await daemon.ready();
    await daemon.stop();
  }
});

for (const lacks of ['create', 'patch'])
  test(`without the right to ${lacks} Events the daemon is ready, and names the right once`, async (t) => {
    await lacking(t, lacks, 'events');
    const daemon = await world.startReady(t);
    for (let repairs = 1; repairs <= 3; repairs += 1) {
      await world.kubectl(['label', '--overwrite', 'secret', SECRET, 'app.kubernetes.io/name=other']);
      const published = () => daemon.logs.filter(({ msg }) => msg === 'published the identity').length;
      await eventually(`repair ${repairs}`, () => published() >= repairs);
    }
    const rule = new RegExp(`resources: \\["events"\\], verbs: \\["${lacks}"\\]`);
    await daemon.line(({ remedy }) => rule.test(String(remedy)));
    await daemon.ready(0);
    assert.equal(daemon.logs.filter(({ level }) => level !== 'info').length, 1, daemon.stdout);
  });

/** Takes a right from the Role for the rest of the test. */
async function lacking(t: TestContext, verb: string, resource: string): Promise<void> {
  t.after(() => setRules(world, shipped));
  await setRules(world, without(shipped, verb, resource));
}

/** Changes an object of the daemon, which patches it. */
async function edit(resource: string): Promise<void> {
  const [kind, name] =
    resource === 'secrets' ? (['secret', SECRET] as const) : (['service', SERVICE] as const);
  await eventually(`the ${kind}`, () => world.show(kind, name), 10_000);
  await world.kubectl(['label', '--overwrite', kind, name, 'app.kubernetes.io/managed-by=other']);
}
