import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../e2e/support/eventually.ts';
import { binary } from '../fixtures/servers/binaries.ts';
import { type RealKubernetes, startRealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { SECRET, SERVICE } from './world.ts';

const NAMESPACE = 'emissary';
const POLICY = `${NAMESPACE}.${SERVICE}`;
const overlay = (name: string): string =>
  fileURLToPath(new URL(`../../k8s/overlays/${name}`, import.meta.url));

let kubernetes: RealKubernetes;
before(async () => {
  kubernetes = await startRealKubernetes();
  for (const namespace of [NAMESPACE, 'ambassador']) await administrator('create', 'namespace', namespace);
});
after(() => kubernetes?.stop());

test('S1: in the namespace `emissary` the policy is for the ServiceAccount of that namespace', async () => {
  await administrator('apply', '-k', overlay('emissary'));

  // A policy is in force a moment after it was created.
  const refusal = await eventually(
    'the policy is in force',
    async () => {
      const { code, stderr } = await connector('create', 'secret', 'generic', 'another', '--dry-run=server');
      return code === 0 ? undefined : stderr;
    },
    20_000,
  );

  assert.match(
    refusal,
    new RegExp(`ValidatingAdmissionPolicy '${POLICY}' .* may write no Secret but its own`),
  );
  const tls = ['--type=kubernetes.io/tls', '--from-literal=tls.crt=', '--from-literal=tls.key='];
  const own = await connector('create', 'secret', 'generic', SECRET, ...tls, '--dry-run=server');
  assert.equal(own.code, 0, own.stderr);
});

test('the overlay for OpenShift is admitted without a warning where Pod Security is `restricted`', async () => {
  const level = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await administrator('label', 'namespace', 'ambassador', ...level);

  const { code, stderr } = await kubernetes.kubectl(['apply', '-k', overlay('openshift')]);

  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

async function administrator(...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await kubernetes.kubectl(args);
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
}

/** kubectl with the rights of the connector. */
async function connector(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const kubeconfig = await kubernetes.kubeconfigFor(NAMESPACE, SERVICE);
  return new Promise((resolve) => {
    execFile(
      binary('KUBECTL'),
      ['--kubeconfig', kubeconfig, '-n', NAMESPACE, ...args],
      (error, _out, stderr) => resolve({ code: error === null ? 0 : 1, stderr }),
    );
  });
}
