import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { assertStops } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { changedKubeconfig, isAlive, makeSilentPipe, withPlugin } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

/** `check` takes ten seconds; the rest is for a loaded machine to start and end a process. */
const CHECK_WITHIN_MS = 25_000;
/** Two seconds, and room as for any stop. */
const STOP_WITHIN_MS = 7_000;

/** Writes its own process ID and that of a child; neither of them ends. */
const ENDLESS = (folder: string) => `echo $$ > ${folder}/own
sleep 1000 &
echo $! > ${folder}/child
wait`;

const hasEnded = (folder: string): boolean =>
  existsSync(join(folder, 'child')) && !isAlive(join(folder, 'own')) && !isAlive(join(folder, 'child'));

test('K7: a hanging credential plugin of the kubeconfig is killed with its children, by run and check', async (t) => {
  const bed = await makeBed(t);
  const [running, checked] = [temporary(), temporary()];
  const daemon = bed.start(withPlugin(bed, ENDLESS(running)));
  const checking = bed.start(withPlugin(bed, ENDLESS(checked)), ['check']);

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  assert.match(String(line['error']), /credential plugin .*\/plugin of the kubeconfig does not answer/);
  await assertStops(daemon);
  const { code, ms } = await checking.exited;
  assert.equal(code, 1);
  assert.match(checking.stdout, /credential plugin .*\/plugin of the kubeconfig does not/);
  assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);

  await eventually('plugins and children have ended', () => hasEnded(running) && hasEnded(checked));
});

test('K7: the credential of a plugin is used though a child of it holds its output open, and the child is killed', async (t) => {
  const bed = await makeBed(t);
  const folder = temporary();
  const status = { token: bed.cluster.token };
  const credential = JSON.stringify({ kind: 'ExecCredential', status });
  writeFileSync(join(folder, 'credential'), credential, { mode: 0o600 });
  const script = `sleep 1000 &
echo $! > ${folder}/child
cat ${folder}/credential`;

  const daemon = bed.start(withPlugin(bed, script));

  await daemon.ready();
  await eventually('the child has ended', () => !isAlive(join(folder, 'child')));
});

describe('K7: a file that cannot be read to its end', { concurrency: 4 }, () => {
  for (const [what, envOf, reported] of [
    [
      'the kubeconfig',
      (pipe) => ({ KUBECONFIG: pipe }),
      /no configuration for Kubernetes was found: .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'the token for Consul',
      (pipe) => ({ CONSUL_HTTP_TOKEN_FILE: pipe }),
      /the token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'the bearer token of a login',
      (pipe) => ({ CONSUL_LOGIN_AUTH_METHOD: 'kubernetes', CONSUL_LOGIN_BEARER_TOKEN_FILE: pipe }),
      /the bearer token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
  ] satisfies [string, (pipe: string) => Record<string, string>, RegExp][]) {
    test(`${what}: check and run report it within their deadlines`, async (t) => {
      const bed = await makeBed(t);
      const env = envOf(makeSilentPipe(join(temporary(), 'pipe')));

      const [checking, daemon] = [bed.start(env, ['check']), bed.start(env)];
      const { ms } = await checking.exited;
      assert.match(checking.stdout, reported);
      assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
      await eventually('it is logged', () => reported.test(daemon.stdout));
      if (what === 'the kubeconfig') await daemon.exited;
      else await assertStops(daemon);
    });
  }

  test('a published file of a folder: the daemon logs it', async (t) => {
    const bed = await makeBed(t);
    const _OUTPUT_DIR = temporary();
    makeSilentPipe(join(_OUTPUT_DIR, 'tls.key'));

    const daemon = bed.start({ _OUTPUT_DIR });

    await eventually('it is logged', () => /cannot be used \(ETIMEDOUT\)/.test(daemon.stdout));
    await assertStops(daemon);
  });
});

test('K7: a name that is never resolved: the daemon reports that DNS does not answer, and stops; check ends in time', async (t) => {
  const bed = await makeBed(t);
  const NODE_OPTIONS = neverResolving();
  const KUBECONFIG = changedKubeconfig(bed.kubeconfig, ({ cluster }) => {
    cluster['server'] = 'https://kubernetes.example:6443';
  });

  const checking = bed.start({ NODE_OPTIONS, KUBECONFIG }, ['check']);
  const daemon = bed.start({ NODE_OPTIONS, _CONSUL_HOST: 'consul.example', _CONSUL_WAIT: '1s' });
  const line = await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');

  assert.match(String(line['error']), /EAI_AGAIN/);
  // One of its threads hangs, so there is no exit code.
  const stopped = await daemon.stop();
  assert.ok(stopped.ms < STOP_WITHIN_MS, `${stopped.ms} ms`);
  const { code, ms } = await checking.exited;
  assert.notEqual(code, 0);
  assert.match(checking.stdout, /FAIL +reach Kubernetes/);
  assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
});

/** A resolver that blocks a thread of Node's pool indefinitely, as `getaddrinfo` does while no DNS server answers. */
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
