import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/lib/clock.ts';
import { searchAtTheEnd } from '../../e2e/support/secrets.ts';
import { ReplayServer } from '../../fixtures/consul/replay.ts';
import {
  checked,
  clockFrom,
  once,
  rendered,
  type Setting,
  startDaemon,
  type TemporaryFolder,
  temporaryFolder,
} from './commands.ts';
import { assertWorks, currentSet, type Material, publishedIn, renderedIn } from './judge.ts';
import { givenBy, labelsOf } from './play.ts';
import { replayed, timeOf } from './scenario.ts';
import { ROTATIONS, type Step } from './scenarios/rotations.ts';

// The recorded answers before, during and after a rotation, one after another into one folder. Left out are the requests that
// rotated the root.

const PATIENCE_MS = 20_000;

for (const { name, steps } of ROTATIONS) {
  const outcome = steps.map(({ name: step, chain, roots }) => `${step} ${chain}+${roots}`).join(', ');
  test(`${name}: once writes each step once, the same as render prints: ${outcome}`, async () => {
    await replay(steps, async ({ play, setting, folder }) => {
      let before: Material | undefined;
      for (const step of steps) {
        play(step);
        const preview = await rendered(setting);
        assert.ok(typeof preview === 'string', step.name);

        assert.equal(await once(setting), step.changes.length > 0, `${step.name}: whether it wrote`);

        const material = publishedIn(folder.published);
        assert.ok(material !== undefined);
        assertWorks(material, givenBy(step.answers), step);
        assert.deepEqual(renderedIn(preview), material, 'what render printed');
        assert.deepEqual(changes(before, material), step.changes, step.name);
        const set = currentSet(folder.published);
        assert.equal(await once(setting), false, `${step.name}: nothing is written again`);
        assert.equal(currentSet(folder.published), set);
        before = material;

        const { rows } = await checked(setting);
        const first = rows.find(({ status }) => status !== 'pass');
        assert.equal(first === undefined ? 'ok' : `${first.status} ${first.check}`, step.check, step.name);
      }
    });
  });

  test(`${name}: run writes each step once: ${outcome}`, async () => {
    await replay(steps, async ({ play, setting, folder }) => {
      const [first, ...others] = steps;
      assert.ok(first !== undefined);
      play(first);
      const daemon = startDaemon(setting);
      searchAtTheEnd(daemon, name, () => JSON.stringify(daemon.log.lines));
      let expected = 0;
      const writes = () => daemon.log.lines.filter(({ msg }) => msg === 'published the identity').length;
      try {
        for (const step of [first, ...others]) {
          play(step);
          if (step.changes.length > 0) expected += 1;
          await daemon.log.until(() => writes() >= expected, PATIENCE_MS);
          const material = publishedIn(folder.published);
          assert.ok(material !== undefined, step.name);
          assertWorks(material, givenBy(step.answers), step);
          // Once more, to the blocking queries too.
          play(step);
        }
      } finally {
        await daemon.stop();
      }
      assert.equal(writes(), expected, 'no write but these');
      assert.deepEqual(labelsOf(daemon.log.lines), ['published']);
    });
  });
}

interface Stage {
  readonly setting: Setting;
  readonly folder: TemporaryFolder;
  /** Sets the answers of Consul, and the clock, to those of this step. */
  readonly play: (step: Step) => void;
}

async function replay(steps: readonly Step[], work: (stage: Stage) => Promise<void>): Promise<void> {
  const server = new ReplayServer();
  const port = await server.start();
  const folder = temporaryFolder();
  let clock = clockFrom(0);
  const environment = {
    _CONSUL_HOST: '127.0.0.1',
    _CONSUL_PORT: String(port),
    _OUTPUT_DIR: folder.published,
  };
  const moving: Clock = { ...clock, now: () => clock.now() };
  const play = ({ answers }: Step): void => {
    clock = clockFrom(timeOf(answers));
    server.play(replayed(answers));
  };
  try {
    await work({ setting: { environment, clock: moving }, folder, play });
    assert.deepEqual(server.unexpected, [], steps.map(({ name }) => name).join());
  } finally {
    await server.close();
    await folder.remove();
  }
}

function changes(before: Material | undefined, { tlsCrt, tlsKey, caCrt }: Material): string[] {
  assert.equal(before?.tlsKey === tlsKey, before?.tlsCrt === tlsCrt, 'key and certificate change together');
  return [...(before?.tlsCrt === tlsCrt ? [] : ['tls']), ...(before?.caCrt === caCrt ? [] : ['ca'])];
}
