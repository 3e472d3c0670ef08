import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

/** Consul puts off the new leaf by up to 30 s, then signs it. */
const NEW_LEAF_WITHIN_MS = 45_000;
const WRITE_HISTORY = `${SERVICE}/write-history`;
const ROTATION = [
  'Normal Published missing: no identity was published',
  'Normal Published roots-changed: the list of roots changed',
  'Normal Published inactive-root: the published leaf does not chain to the active root',
];

interface Event {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly metadata: { readonly resourceVersion: string };
}

const world = useWorld({ persistent: true });

/** The Events that are selected as `kubectl describe` does for the kinds whose Events it shows, in the order of writing: their times are whole seconds. */
async function eventsOf(uid: string): Promise<string[]> {
  const about = Object.entries({ kind: 'Secret', namespace: NAMESPACE, name: SECRET, uid });
  const selector = about.map(([field, value]) => `involvedObject.${field}=${value}`).join(',');
  const text = await world.kubectl(['get', 'events', `--field-selector=${selector}`, '-o', 'json']);
  const { items }: { items: readonly Event[] } = JSON.parse(text);
  return [...items]
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
}

test('a rotation is told by Events on the Secret, and by its annotations where a person describes it', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    const uid = await world.kubectl(['get', 'secret', SECRET, '-o', 'jsonpath={.metadata.uid}']);

    await world.consul.rotateRoot();

    await eventually(
      'the Event of the new leaf',
      async () => (await eventsOf(uid)).length >= ROTATION.length,
      NEW_LEAF_WITHIN_MS,
    );
    assert.deepEqual(await eventsOf(uid), ROTATION);
    const described = await world.kubectl(['describe', 'secret', SECRET]);
    assert.match(described, new RegExp(`${SERVICE}/write-reason: inactive-root: `));
    assert.match(described, new RegExp(`${WRITE_HISTORY}:\\s+\\S+Z roots-changed: .*\\s+\\S+Z missing: `));
    assert.deepEqual(
      daemon.logs.filter(({ level }) => level !== 'info'),
      [],
    );
  } finally {
    await daemon.stop();
  }
});

test('each right on Events that the Role lacks is named once, and the daemon is ready without', async () => {
  const { rules } = JSON.parse(await world.kubectl(['get', 'role', SERVICE, '-o', 'json']));
  const others = rules.filter(({ resources }: { resources: string[] }) => !resources.includes('events'));
  const setRules = (next: unknown) =>
    world.kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', JSON.stringify({ rules: next })]);
  try {
    for (const [lacks, granted] of [
      ['create', []],
      ['patch', ['create']],
    ] as const) {
      await setRules(
        [...others, { apiGroups: [''], resources: ['events'], verbs: granted }].filter(hasVerbs),
      );
      const daemon = startDaemon(await world.environment());
      try {
        await daemon.ready();
        for (let repairs = 1; repairs <= 3; repairs += 1) {
          await world.kubectl(['label', '--overwrite', 'secret', SECRET, 'app.kubernetes.io/name=other']);
          await eventually(
            `repair ${repairs}`,
            () => daemon.logs.filter(({ msg }) => msg === 'published the identity').length === repairs,
            10_000,
          );
        }
        const rule = new RegExp(`resources: \\["events"\\], verbs: \\["${lacks}"\\]`);
        await daemon.line(({ remedy }) => rule.test(String(remedy)), 10_000);
        await daemon.ready(0);
        assert.equal(daemon.logs.filter(({ level }) => level !== 'info').length, 1, daemon.stdout);
      } finally {
        await daemon.stop();
      }
    }
  } finally {
    await setRules(rules);
  }
});

function hasVerbs({ verbs }: { readonly verbs: readonly string[] }): boolean {
  return verbs.length > 0;
}
