import { type Bed, NAMESPACE, SECRET, SERVICE } from '../e2e/support/bed.ts';
import { ApiError, conflict, type Response, tooManyRequests } from '../fixtures/kubernetes/index.ts';
import type { Fault } from './faults.ts';
import type { Random } from './random.ts';

const ANSWERS: Readonly<Record<string, Response>> = {
  'Kubernetes 500': new ApiError(500, 'InternalError', 'etcdserver: leader changed'),
  'Kubernetes 503': { status: 503, body: 'apiserver is shutting down' },
  'Kubernetes 429': tooManyRequests(),
  'Kubernetes HTML': { status: 200, body: '<html>sign in</html>', headers: { 'Content-Type': 'text/html' } },
  'Kubernetes reset': 'reset',
  'Kubernetes hang': 'hang',
  'Kubernetes slow': { delay: 50 },
};

const VERBS = ['list', 'watch', 'create', 'patch'];

export function kubernetesFaults(bed: Bed, random: Random): Readonly<Record<string, Fault>> {
  const { cluster } = bed;
  const answers = Object.entries(ANSWERS).map(([kind, response]): [string, Fault] => [
    kind,
    () => {
      const verb = random.pick(VERBS);
      cluster.script((request) => request.verb === verb, response, random.between(1, 3));
    },
  ]);
  /** Edits the Secret by hand, if there is one. */
  const edit = (change: (data: Record<string, string>) => void): void => {
    if (bed.secret() === undefined) return;
    cluster.edit('Secret', NAMESPACE, SECRET, ({ data }) => change(data ?? {}));
  };
  return {
    ...Object.fromEntries(answers),
    'Kubernetes 409': () => {
      const target = { group: '', plural: 'secrets' };
      cluster.script({ verb: 'patch' }, conflict(target, SECRET), random.between(1, 3));
    },
    'watch 410': () => cluster.watches.expire(),
    'watch EOF': () => cluster.watches.end(),
    'watch cut': () => cluster.watches.cut(),
    'watch half a line': () => cluster.watches.halfLine(),
    'watch garbage': () => cluster.watches.garbage(),
    'watch error': () => cluster.watches.fail(),
    'token rotated': () => {
      cluster.rotateToken();
      cluster.writeTokenFiles();
    },
    'token rotated, the file late': async (clock) => {
      cluster.rotateToken();
      await clock.sleep(random.between(500, 5_000), new AbortController().signal);
      cluster.writeTokenFiles();
    },
    'API server restart': async (clock) => {
      await cluster.stop();
      await clock.sleep(random.between(500, 5_000), new AbortController().signal);
      await cluster.start();
    },
    'Secret deleted': () => cluster.remove('Secret', NAMESPACE, SECRET),
    'Service deleted': () => cluster.remove('Service', NAMESPACE, SERVICE),
    'Secret key removed': () => edit((data) => delete data['tls.key']),
    'Secret emptied': () => edit((data) => Object.assign(data, { 'tls.crt': '' })),
    'Secret edited': () => edit((data) => Object.assign(data, { 'ca.crt': data['tls.crt'] ?? '' })),
  };
}
