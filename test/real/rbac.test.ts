import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

interface Rule {
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const world = useWorld();

test('27: Each verb taken from the Role is named, with the rule to add, and is all that was missing', async () => {
  const role: { rules: Rule[] } = JSON.parse(await world.kubectl(['get', 'role', SERVICE, '-o', 'json']));
  // Without those on Events it is ready all the same: events.test.ts.
  const granted = role.rules
    .flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ resource, verb }))),
    )
    .filter(({ resource }) => resource !== 'events');
  assert.equal(granted.length, 8, 'list, watch, patch and create, on secrets and on services');

  for (const { resource, verb } of granted) {
    await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
    await world.kubectl(['delete', '--ignore-not-found', 'service', SERVICE]);
    await setRules(without(role.rules, resource, verb));
    const daemon = startDaemon(await world.environment());
    try {
      if (verb === 'patch') await edit(resource);
      const rule = new RegExp(`resources: \\["${resource}"\\].*verbs: \\["${verb}"\\]`);
      await eventually(
        `the log names ${verb} on ${resource}`,
        () => daemon.logs.some(({ remedy }) => rule.test(String(remedy))),
        10_000,
      );

      await setRules(role.rules);

      await daemon.ready(20_000);
    } finally {
      await daemon.stop();
    }
  }
});

test('without the right to write the Service the Secret is published all the same, and readiness says what is missing', async () => {
  const role: { rules: Rule[] } = JSON.parse(await world.kubectl(['get', 'role', SERVICE, '-o', 'json']));
  await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
  await world.kubectl(['delete', '--ignore-not-found', 'service', SERVICE]);
  await setRules(without(role.rules, 'services', 'create'));
  const daemon = startDaemon(await world.environment());
  try {
    await eventually('the Secret', () => world.show('secret', SECRET));
    await daemon.unready(/resources: \["services"\].*verbs: \["create"\]/);
  } finally {
    await daemon.stop();
    await setRules(role.rules);
  }
});

function without(rules: readonly Rule[], resource: string, verb: string): Rule[] {
  return rules.flatMap((rule) =>
    rule.resources.map((each) => ({
      ...rule,
      apiGroups: [''],
      resources: [each],
      verbs: rule.verbs.filter((other) => each !== resource || other !== verb),
    })),
  );
}

async function setRules(rules: readonly Rule[]): Promise<void> {
  const patch = JSON.stringify({ rules: rules.filter(({ verbs }) => verbs.length > 0) });
  await world.kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', patch]);
}

/** Gives the daemon a reason to patch what it created. */
async function edit(resource: string): Promise<void> {
  const [kind, name] =
    resource === 'secrets' ? (['secret', SECRET] as const) : (['service', SERVICE] as const);
  await eventually(`the ${kind}`, () => world.show(kind, name), 10_000);
  await world.kubectl(['label', '--overwrite', kind, name, 'app.kubernetes.io/managed-by=somebody']);
}
