import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import { assertStops } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { changedKubeconfig, isAlive, makeSilentPipe, plugin } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

/** `check` takes ten seconds; the rest is for a loaded machine to start and end a process. */
const CHECK_WITHIN_MS = 25_000;
/** Two seconds, and room as for any stop. */
const STOP_WITHIN_MS = 7_000;

/** Says its own id and that of a child, and does neither end. */
const ENDLESS = (folder: string) => `echo $$ > ${folder}/own
sleep 1000 &
echo $! > ${folder}/child
wait`;

function withPlugin(bed: Bed, folder: string, script: string): { KUBECONFIG: string } {
  const change = ({ user }: { user: Record<string, unknown> }): void => {
    delete user['token'];
    user['exec'] = plugin(folder, script);
  };
  return { KUBECONFIG: changedKubeconfig(bed.kubeconfig, folder, change) };
}

const hasEnded = (folder: string): boolean =>
  existsSync(join(folder, 'child')) && !isAlive(join(folder, 'own')) && !isAlive(join(folder, 'child'));

test('K7: a credential plugin of the kubeconfig that does not end is ended with its children, by run and check', async (t) => {
  const bed = await makeBed(t);
  const [running, checked] = [temporary(), temporary()];
  const daemon = bed.start(withPlugin(bed, running, ENDLESS(running)));
  const checking = bed.start(withPlugin(bed, checked, ENDLESS(checked)), ['check']);

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  assert.match(String(line['error']), /credential plugin .*\/plugin of the kubeconfig does not answer/);
  await assertStops(daemon);
  const { code, ms } = await checking.exited;
  assert.equal(code, 1);
  assert.match(checking.stdout, /credential plugin .*\/plugin of the kubeconfig does not/);
  assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);

  await eventually('plugins and children have ended', () => hasEnded(running) && hasEnded(checked));
});

test('K7: what a plugin answers is used though a child of it holds its output open, and the child is ended', async (t) => {
  const bed = await makeBed(t);
  const folder = temporary();
  const status = { token: bed.cluster.token };
  const credential = JSON.stringify({ kind: 'ExecCredential', status });
  writeFileSync(join(folder, 'credential'), credential, { mode: 0o600 });
  const script = `sleep 1000 &
echo $! > ${folder}/child
cat ${folder}/credential`;

  const daemon = bed.start(withPlugin(bed, folder, script));

  await daemon.ready();
  await eventually('the child has ended', () => !isAlive(join(folder, 'child')));
});

describe('K7: a file that cannot be read to its end', { concurrency: 4 }, () => {
  for (const [what, prepare, said] of [
    [
      'the kubeconfig',
      (_bed, pipe) => ({ KUBECONFIG: pipe }),
      /no configuration for Kubernetes was found: .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'the token for Consul',
      (_bed, pipe) => ({ CONSUL_HTTP_TOKEN_FILE: pipe }),
      /the token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'what a login is done with',
      (_bed, pipe) => ({ CONSUL_LOGIN_AUTH_METHOD: 'kubernetes', CONSUL_LOGIN_BEARER_TOKEN_FILE: pipe }),
      /the bearer token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
  ] satisfies [string, (bed: Bed, pipe: string) => Record<string, string>, RegExp][]) {
    test(`${what}: check and run say so within their deadlines`, async (t) => {
      const bed = await makeBed(t);
      const pipe = makeSilentPipe(join(temporary(), 'pipe'));
      const env = prepare(bed, pipe);

      const [checking, daemon] = [bed.start(env, ['check']), bed.start(env)];
      const { ms } = await checking.exited;
      assert.match(checking.stdout, said);
      assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
      await eventually('the log says so', () => said.test(daemon.stdout));
      if (what === 'the kubeconfig') await daemon.exited;
      else await assertStops(daemon);
    });
  }

  test('what is published in a folder: the daemon says so', async (t) => {
    const bed = await makeBed(t);
    const _OUTPUT_DIR = temporary();
    makeSilentPipe(join(_OUTPUT_DIR, 'tls.key'));

    const daemon = bed.start({ _OUTPUT_DIR });

    await eventually('the log says so', () => /cannot be used \(ETIMEDOUT\)/.test(daemon.stdout));
    await assertStops(daemon);
  });
});

test('K7: a name that is never resolved: the daemon says that DNS does not answer, and stops; check ends in time', async (t) => {
  const bed = await makeBed(t);
  const NODE_OPTIONS = neverResolving();
  const KUBECONFIG = changedKubeconfig(bed.kubeconfig, temporary(), ({ cluster }) => {
    cluster['server'] = 'https://kubernetes.example:6443';
  });

  const checking = bed.start({ NODE_OPTIONS, KUBECONFIG }, ['check']);
  const daemon = bed.start({ NODE_OPTIONS, _CONSUL_HOST: 'consul.example', _CONSUL_WAIT: '1s' });
  const line = await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');

  assert.match(String(line['error']), /EAI_AGAIN/);
  // A thread of it hangs, so there is no exit code.
  const stopped = await daemon.stop();
  assert.ok(stopped.ms < STOP_WITHIN_MS, `${stopped.ms} ms`);
  const { code, ms } = await checking.exited;
  assert.notEqual(code, 0);
  assert.match(checking.stdout, /FAIL +reach Kubernetes/);
  assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
});

/** A resolver that holds a thread of Node's pool for ever, as `getaddrinfo` does while no DNS server answers. */
function neverResolving(): string {
  const folder = temporary();
  const pipe = makeSilentPipe(join(folder, 'pipe'));
  const hook = join(folder, 'never-resolves.cjs');
  writeFileSync(
    hook,
    `const fs = require('node:fs');
const dns = require('node:dns');
const { lookup, promises: { lookup: lookupAll } } = dns;
const isNumeric = (host) => require('node:net').isIP(host) !== 0;
const never = () => void fs.open(${JSON.stringify(pipe)}, 'r', () => undefined);
dns.lookup = (host, ...rest) => isNumeric(host) ? lookup(host, ...rest) : never();
dns.promises.lookup = (host, ...rest) => isNumeric(host) ? lookupAll(host, ...rest) : (never(), new Promise(() => undefined));
`,
  );
  return `--require=${hook}`;
}
