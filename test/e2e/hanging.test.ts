import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import { assertStops, type Daemon } from './support/daemon.ts';
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

describe('K7: a credential plugin of the kubeconfig that does not end', { concurrency: 2 }, () => {
  for (const command of ['run', 'once', 'render', 'check']) {
    test(`${command} says so, and ends it with its children`, async (t) => {
      const bed = await makeBed(t);
      const folder = temporary();
      const daemon = bed.start(withPlugin(bed, folder, ENDLESS(folder)), [command]);

      if (command === 'run') {
        const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
        assert.match(String(line['error']), /credential plugin .*\/plugin of the kubeconfig does not answer/);
        await assertStops(daemon);
      } else {
        const { code, ms } = await daemon.exited;
        // It renders what it would without a cluster.
        assert.equal(code, command === 'render' ? 0 : 1);
        assert.match(
          daemon.stdout + daemon.stderr,
          /credential plugin .*\/plugin of the kubeconfig does not/,
        );
        if (command === 'check') assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
      }

      await eventually('plugin and child have ended', () => hasEnded(folder));
    });
  }

  test('SIGTERM ends the daemon and the plugin', async (t) => {
    const bed = await makeBed(t);
    const folder = temporary();
    const daemon = bed.start(withPlugin(bed, folder, ENDLESS(folder)));
    await eventually('the plugin runs', () => isAlive(join(folder, 'child')));

    await assertStops(daemon);

    await eventually('plugin and child have ended', () => hasEnded(folder));
  });
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

describe('K7: a file that cannot be read to its end', { concurrency: 2 }, () => {
  for (const [what, prepare, said] of [
    [
      'the kubeconfig',
      (_bed, pipe) => ({ KUBECONFIG: pipe }),
      /no configuration for Kubernetes was found: .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'the CA of the API server',
      (bed, pipe) => ({
        KUBECONFIG: changedKubeconfig(bed.kubeconfig, temporary(), ({ cluster }) => {
          delete cluster['certificate-authority-data'];
          cluster['certificate-authority'] = pipe;
        }),
      }),
      /the credentials for Kubernetes cannot be read: .*pipe \(ETIMEDOUT\)/,
    ],
    [
      'the token for the API server',
      (bed, pipe) => ({
        KUBECONFIG: changedKubeconfig(bed.kubeconfig, temporary(), ({ user }) => {
          delete user['token'];
          user['tokenFile'] = pipe;
        }),
      }),
      /the credentials for Kubernetes cannot be read: .*pipe \(ETIMEDOUT\)/,
    ],
    [
      'the token for Consul',
      (_bed, pipe) => ({ CONSUL_HTTP_TOKEN_FILE: pipe }),
      /the token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'the CA of Consul',
      (_bed, pipe) => ({ CONSUL_HTTP_SSL: 'true', CONSUL_CACERT: pipe }),
      /pipe cannot be read \(ETIMEDOUT\)/,
    ],
    [
      'what a login is done with',
      (_bed, pipe) => ({ CONSUL_LOGIN_AUTH_METHOD: 'kubernetes', CONSUL_LOGIN_BEARER_TOKEN_FILE: pipe }),
      /the bearer token file .*pipe cannot be read \(ETIMEDOUT\)/,
    ],
  ] satisfies [string, (bed: Bed, pipe: string) => Record<string, string>, RegExp][]) {
    test(`${what}: check, once, render and run say so within their deadlines`, async (t) => {
      const bed = await makeBed(t);
      const pipe = makeSilentPipe(join(temporary(), 'pipe'));
      const env = prepare(bed, pipe);

      const daemons = ['check', 'once', 'render'].map((command) => bed.start(env, [command]));
      for (const daemon of daemons) {
        const { ms } = await daemon.exited;
        assert.match(daemon.stdout + daemon.stderr, said);
        assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
      }
      const daemon = bed.start(env);
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

describe('K7: a name that is never resolved', { concurrency: 2 }, () => {
  test('of Consul: the daemon says that DNS does not answer', async (t) => {
    const bed = await makeBed(t);
    const daemon = startUnresolved(bed, { _CONSUL_HOST: 'consul.example', _CONSUL_WAIT: '1s' });

    const line = await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');

    assert.match(String(line['error']), /EAI_AGAIN/);
    const { ms } = await daemon.stop();
    // A thread of it hangs, so there is no exit code.
    assert.ok(ms < STOP_WITHIN_MS, `${ms} ms`);
  });

  test('of the API server: check ends within its deadline', async (t) => {
    const bed = await makeBed(t);
    const KUBECONFIG = changedKubeconfig(bed.kubeconfig, temporary(), ({ cluster }) => {
      cluster['server'] = 'https://kubernetes.example:6443';
    });
    const daemon = startUnresolved(bed, { KUBECONFIG }, ['check']);

    const { code, ms } = await daemon.exited;

    assert.notEqual(code, 0);
    assert.match(daemon.stdout, /FAIL +reach Kubernetes/);
    assert.ok(ms < CHECK_WITHIN_MS, `${ms} ms`);
  });
});

/** Its resolver holds a thread of Node's pool for ever, as `getaddrinfo` does while no DNS server answers. */
function startUnresolved(bed: Bed, env: Record<string, string>, args: readonly string[] = []): Daemon {
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
  return bed.start({ NODE_OPTIONS: `--require=${hook}`, ...env }, args);
}
