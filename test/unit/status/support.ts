import { LOOPS } from '../../../src/connector/connector.ts';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import type { TrustBundle } from '../../../src/identity/trust-bundle.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { EventLog } from '../../../src/status/event-log.ts';
import { Health } from '../../../src/status/health.ts';
import { Metrics } from '../../../src/status/metrics.ts';
import { type Observed, viewOf } from '../../../src/status/observed.ts';
import { renderMain } from '../../../src/status/page/page.ts';
import type { Setup } from '../../../src/status/page/view.ts';
import type { Authority } from '../../fixtures/certificates/factory.ts';
import { bundleOf, material, NOW, newLeaf, SERVICE } from '../identity/support.ts';

const SETUP: Setup = {
  version: '1.2.3',
  ambassadorId: 'edge',
  consulService: SERVICE,
  consulServers: ['https://consul.example:8501'],
  tlsContext: 'ambassador-consul',
  insecurities: [],
  target: {
    kind: 'kubernetes',
    server: 'https://kubernetes.example:6443',
    secret: { namespace: 'gateways', name: 'edge-consul-connect' },
    upstreamCaSecret: undefined,
    service: { namespace: 'gateways', name: 'edge-consul-connector' },
  },
};

/** The state that the status port shows, at a time that a test sets, at first `NOW`. */
export class Scene implements Observed {
  at = NOW;
  /** How far the machine's clock was set forward since. */
  setForwardMs = 0;
  readonly #clock: Clock = {
    now: () => this.at + this.setForwardMs,
    monotonic: () => this.at - NOW,
    sleep: async () => undefined,
    random: () => 0,
  };
  readonly health = new Health(this.#clock, LOOPS, 1_000);
  readonly metrics = new Metrics('test');
  readonly eventLog = new EventLog();
  readonly setup: Setup;

  constructor(setup: Partial<Setup> = {}) {
    this.setup = { ...SETUP, ...setup };
  }

  /** The state after the first publication, of a leaf for 100 h that `root` issued at `NOW`. */
  async publish(root: Authority, bundle: TrustBundle = bundleOf(root)): Promise<void> {
    const identity = verifyIdentity(material(await newLeaf(root)), SERVICE, bundle, NOW);
    for (const source of ['roots', 'leaf', 'kubernetes'] as const) this.health.recordAnswer(source);
    this.health.setTrustBundle(bundle, undefined);
    this.health.setPublished(identity);
    this.health.clearProblem('service');
    this.eventLog.record({ reason: 'Published', at: this.at, message: 'missing: no identity was published' });
  }

  /** The page's main part. */
  render(): string {
    return renderMain(viewOf(this, this.at));
  }

  /** Its text. */
  text(): string {
    return textOf(this.render());
  }
}

export function textOf(html: string): string {
  return html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .replace(/ ([.,;])/g, '$1');
}
