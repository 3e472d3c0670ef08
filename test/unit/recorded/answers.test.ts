import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { ConnectorError } from '../../../src/errors.ts';
import { handOutToken, searchAtTheEnd } from '../../e2e/support/secrets.ts';
import { recordingIds } from '../../fixtures/consul/recording.ts';
import { COMPARED } from '../contract/compared-answers.ts';
import {
  checked,
  type LogLine,
  once,
  rendered,
  runUntil,
  type TemporaryFolder,
  temporaryFolder,
} from './commands.ts';
import { assertWorks, publishedIn, renderedIn } from './judge.ts';
import { against, type Command, givenBy, labelsOf } from './play.ts';
import { idOf, type Scenario, tokensOf } from './scenario.ts';
import { ACCESS } from './scenarios/access.ts';
import { AGENTS } from './scenarios/agents.ts';
import { LOGINS } from './scenarios/logins.ts';
import { PLACES } from './scenarios/places.ts';
import { ROTATIONS } from './scenarios/rotations.ts';
import { SERVERS } from './scenarios/servers.ts';

// The recorded answers of Consul 1.16.4, and of 1.8.7 if they differ in a way that matters, are given to the whole program: all
// four commands, over HTTP, at the time of the recording. Left out are the recordings of
// - requests that this program never sends: the configuration of the CA, catalog, status, `token/self` without a token,
//   `/v1/connect/ca/roots`, `peer=`, the query parameters `cached`, `stale`, `pretty` and `pem`, `Cache-Control`, invalid indexes and
//   bodies (some are compared with the embedded Consul: test/unit/contract/consul-recorded.test.ts);
// - one half of an exchange: the leaves of an idle server (`leaf-idle` and its like) have no roots, the roots over HTTPS
//   (`https-*`) no leaf;
// - repetitions: a token's leaf before it was revoked or after its logout, an index ahead of the server;
// - answers of 1.8.7 that are those of 1.16.4: test/real runs against real 1.8.7 servers.

const SCENARIOS: readonly Scenario[] = [...ACCESS, ...AGENTS, ...SERVERS, ...PLACES, ...LOGINS];

for (const scenario of SCENARIOS) {
  const { name, comesTo, check, run } = scenario;
  const outcome = typeof comesTo === 'string' ? comesTo : `${comesTo.chain}+${comesTo.roots} published`;
  test(`${name}: once and render: ${outcome}; check: ${check}; run: ${run.join(', ')}`, async () => {
    const unexpected = new Set<string>();
    const remedies: (string | undefined)[] = [];
    const output: string[] = [];
    searchAtTheEnd(output, name, () => output.join('\n'));
    for (const token of Object.keys(tokensOf(scenario))) handOutToken(token);

    const inFolder = async <T>(command: Command<T>, judge: (result: T, folder: TemporaryFolder) => void) => {
      const folder = temporaryFolder();
      try {
        judge(await against(scenario, folder, command, unexpected), folder);
      } finally {
        await folder.remove();
      }
    };
    await inFolder(once, (result, { published }) => {
      assertOutcome(scenario, result, publishedIn(published), remedies);
      if (result instanceof ConnectorError) output.push(result.message);
    });
    await inFolder(rendered, (result, { published }) => {
      const material = typeof result === 'string' ? renderedIn(result) : undefined;
      assertOutcome(scenario, result, material, remedies);
      assert.ok(!existsSync(published), 'render writes nothing');
    });
    await inFolder(checked, ({ rows }, { published }) => {
      const first = rows.find(({ status }) => status !== 'pass');
      const status = first?.status === 'fail' ? '' : `${first?.status} `;
      assert.equal(first === undefined ? 'ok' : `${status}${first.check} ${first.code}`, check);
      if (first !== undefined) remedies.push(first.remedy);
      output.push(JSON.stringify(rows));
      assert.ok(!existsSync(published), 'check writes nothing');
    });
    const runs: Command<readonly LogLine[]> = (setting, server) =>
      runUntil(setting, (logged) => {
        const labels = labelsOf(logged);
        if (labels.length > 0) server.release();
        return run.every((label) => labels.includes(label));
      });
    await inFolder(runs, (lines, { published }) => {
      assert.deepEqual(labelsOf(lines), [...run].sort());
      // A remedy is logged once per outage, and both queries are affected.
      for (const { code, remedy } of lines) {
        if (code !== undefined && remedy !== undefined) remedies.push(String(remedy));
      }
      output.push(JSON.stringify(lines));
      const material = publishedIn(published);
      assert.equal(material !== undefined, run.includes('published'));
      if (material !== undefined && typeof comesTo !== 'string')
        assertWorks(material, givenBy(scenario.answers), comesTo);
    });

    assert.equal(remedies.length > 0, scenario.remedy !== undefined, 'a refusal has its remedy in the table');
    for (const remedy of remedies) assert.match(remedy ?? '', scenario.remedy ?? /(?:)/);
    assert.deepEqual([...unexpected].sort(), scenario.unrecorded ?? []);
  });
}

test('every recording in the repository is used in a test', () => {
  const answers = [...SCENARIOS, ...ROTATIONS.flatMap(({ steps }) => steps)].flatMap((each) => each.answers);
  const used = new Set([...answers.map(idOf), ...COMPARED]);
  const others = recordingIds().filter((id) => !used.has(id));
  assert.deepEqual(others, []);
});

function assertOutcome(
  { comesTo, answers }: Scenario,
  result: unknown,
  material: ReturnType<typeof publishedIn>,
  remedies: (string | undefined)[],
): void {
  const error = result instanceof ConnectorError ? result : undefined;
  assert.equal(error?.code, typeof comesTo === 'string' ? comesTo : undefined, error?.message);
  assert.equal(material === undefined, error !== undefined, 'nothing is written over an error');
  if (error !== undefined) remedies.push(error.remedy);
  if (material !== undefined && typeof comesTo !== 'string') assertWorks(material, givenBy(answers), comesTo);
}
