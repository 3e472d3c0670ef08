import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { startDaemon } from '../e2e/support/daemon.ts';
import { Report } from '../e2e/support/report.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const CA_SECRET = `${SECRET}-ca`;

let shipped: readonly Rule[] = [];
const world = useWorld({}, async ({ kubectl }) => {
  shipped = JSON.parse(await kubectl(['get', 'role', SERVICE, '-o', 'json'])).rules;
});

test('with the shipped Role nothing fails, with and without the Secret of the roots, and nothing is written', async () => {
  const report = await check();

  assert.deepEqual(report.notPassed, []);
  assert.equal((await check({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' })).firstFail, undefined);
  const tried = (await world.kubernetes.writes()).filter(({ user }) => user.includes(SERVICE));
  assert.deepEqual(tried, []);
});

test('each right taken from the Role is the first FAIL, and its rule, pasted into the Role, is enough', async () => {
  const rights = [
    ...['list', 'watch', 'create', 'patch'].map((verb) => ({ verb, resource: 'secrets', name: SECRET })),
    ...['list', 'watch', 'patch'].map((verb) => ({ verb, resource: 'secrets', name: CA_SECRET })),
    ...['list', 'watch', 'create', 'patch'].map((verb) => ({ verb, resource: 'services', name: SERVICE })),
  ];
  for (const { verb, resource, name } of rights) {
    const less = shipped.flatMap((rule) => without(rule, verb, resource, name));
    await setRules(less);

    const { firstFail } = await check({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });

    assert.equal(firstFail?.check, `rbac-${verb}-${resource}-${name}`);
    await setRules([...less, ruleIn(firstFail?.remedy ?? '')]);
    const { firstFail: still } = await check({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    assert.equal(still, undefined, JSON.stringify(still));
  }
});

test('with no Role at all, pasting rule after rule leads to a Role that is enough', async () => {
  const rules: Rule[] = [];
  await setRules(rules);
  for (let { firstFail } = await check(); firstFail !== undefined; { firstFail } = await check()) {
    assert.equal(firstFail.code, 'KUBERNETES_FORBIDDEN');
    rules.push(ruleIn(firstFail.remedy ?? ''));
    assert.ok(rules.length <= 8, 'no more rules than rights');
    await setRules(rules);
  }

  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
  } finally {
    await daemon.stop();
    await setRules(shipped);
  }
});

test('the API server accepts the example with an init container', async () => {
  const example = fileURLToPath(new URL('../../k8s/examples/init-check', import.meta.url));

  const accepted = await world.kubectl(['apply', '--dry-run=server', '-o', 'name', '-k', example]);

  assert.match(accepted, /^deployment\.apps\/ambassador-consul-connector$/m);
});

test('a cluster that lets nobody ask for his own rights makes these rows a WARN, with the ClusterRole to bind', async () => {
  await world.kubectl(['delete', 'clusterrolebinding', 'system:basic-user']);

  const report = await check();

  assert.equal(report.firstFail, undefined);
  const right = report.row(`rbac-list-secrets-${SECRET}`);
  assert.equal(right?.status, 'warn');
  assert.match(right?.remedy ?? '', /bind the ClusterRole system:basic-user/);
});

async function check(env: Readonly<Record<string, string>> = {}): Promise<Report> {
  return Report.of(startDaemon({ ...(await world.environment()), ...env }, ['check', '--json']));
}

/** The rule that a remedy tells to add, as one pastes it. */
function ruleIn(remedy: string): Rule {
  const [, rule] = /^add to the Role in namespace ambassador: (\{.*\})$/.exec(remedy) ?? [];
  assert.ok(rule !== undefined, remedy);
  return parse(rule);
}

/** The rule split by resource and name, less one right. `create` goes for every name. */
function without(rule: Rule, verb: string, resource: string, name: string): Rule[] {
  const { apiGroups, resourceNames, verbs } = rule;
  return rule.resources.flatMap((each) =>
    (resourceNames ?? [undefined]).map((eachName) => {
      const affected = each === resource && (eachName === undefined || eachName === name);
      const names = eachName === undefined ? {} : { resourceNames: [eachName] };
      return { apiGroups, resources: [each], ...names, verbs: verbs.filter((v) => !affected || v !== verb) };
    }),
  );
}

async function setRules(rules: readonly Rule[]): Promise<void> {
  const patch = JSON.stringify({ rules: rules.filter(({ verbs }) => verbs.length > 0) });
  await world.kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', patch]);
}
