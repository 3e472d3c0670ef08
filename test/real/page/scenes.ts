import type { TestContext } from 'node:test';
import { type Bed, makeBed } from '../../e2e/support/bed.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';

const HOUR = 3_600_000;
const WITHIN_MS = 60_000;

/** A daemon and its two sides in some state, and what the page is headed by then. */
export interface Scene {
  readonly title: string;
  arrange(t: TestContext): Promise<Daemon>;
}

/** Every leaf lives 72 h, as Consul's; `spentHours` of them are over. */
const leafOf = (spentHours: number) => ({
  leafTtlMs: (72 - spentHours) * HOUR,
  backdateMs: spentHours * HOUR,
});

export const SCENES = {
  good: {
    title: 'Good',
    async arrange(t) {
      const bed = await makeBed(t, { consul: leafOf(12) });
      const daemon = await bed.startReady();
      await bed.consul.rotateRoot({ leafDelayMs: 500 });
      await showsSoon(daemon, '<b>inactive-root</b>');
      return daemon;
    },
  },
  expiring: {
    title: 'About to expire',
    async arrange(t) {
      const bed = await makeBed(t, { consul: leafOf(67) });
      const daemon = bed.start();
      await showsSoon(daemon, '<h1>About to expire</h1>');
      return daemon;
    },
  },
  'consul-down': {
    title: 'Good, but Consul does not answer',
    async arrange(t) {
      const bed = await makeBed(t, { consul: leafOf(32) });
      const daemon = await bed.startReady();
      await bed.consul.stop();
      await showsSoon(daemon, '<h2>Consul: roots, leaf</h2>');
      return daemon;
    },
  },
  forbidden: {
    title: 'No identity yet',
    async arrange(t) {
      const bed = await makeBed(t);
      bed.cluster.deny({});
      const name = 'a-name-as-long-as-kubernetes-allows-it-for-a-label-and-no-longer';
      const daemon = bed.start({
        _AMBASSADOR_ID: name.slice(0, 40),
        _CONSUL_SERVICE: `${name}-${name}-${name}`,
      });
      await showsSoon(daemon, 'KUBERNETES_FORBIDDEN');
      return daemon;
    },
  },
  folder: {
    title: 'Good',
    async arrange(t) {
      const folder = temporary();
      const bed: Bed = await makeBed(t);
      return bed.startReady({ _OUTPUT_DIR: folder, KUBECONFIG: '' });
    },
  },
} satisfies Record<string, Scene>;

async function showsSoon(daemon: Daemon, html: string): Promise<void> {
  const shows = async () => (await daemon.get('/', 'text/html')).text.includes(html);
  await eventually(`the page shows ${html}`, shows, WITHIN_MS);
}
