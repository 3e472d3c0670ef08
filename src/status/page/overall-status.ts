import { lifetimeLeft } from '../../identity/identity.ts';
import { RENEWAL_DUE_BELOW, UNREADY_BELOW } from '../../identity/policy/thresholds.ts';
import { type Html, html } from './html.ts';
import { relative, timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** How the whole of it stands: as colour, and in words for whoever sees none. */
export interface OverallStatus {
  readonly tone: Tone;
  readonly title: string;
  /** What it means for the gateway, in a sentence or two. */
  readonly meaning: Html;
}

export type Tone = 'good' | 'note' | 'bad' | 'wait';

/** What a reader must know first, the gravest first. */
export function overallStatusOf(view: View): OverallStatus {
  const { at, health } = view;
  const { published, problems, unpublishedReason } = health;
  if (published === undefined) {
    const isBlocked = [...problems.values()].some(({ code }) => code !== undefined);
    return {
      tone: isBlocked || unpublishedReason !== undefined ? 'bad' : 'wait',
      title: unpublishedReason === undefined ? 'No identity yet' : 'No identity that works',
      meaning: html`The gateway cannot speak in the mesh. ${unpublishedReason ?? 'Waiting for Consul and for Kubernetes'}.`,
    };
  }
  const { notAfter } = published;
  const left = lifetimeLeft(published, at);
  if (left <= 0) {
    return {
      tone: 'bad',
      title: 'Expired',
      meaning: html`The identity expired ${timestamp(notAfter, at)}. Peers in the mesh refuse the gateway.`,
    };
  }
  if (left < UNREADY_BELOW) {
    return {
      tone: 'bad',
      title: 'About to expire',
      meaning: html`Unless Consul gives a newer leaf, the gateway is refused ${timestamp(notAfter, at)}.`,
    };
  }
  const stays = html`What is published stays as it is, and works until ${timestamp(notAfter, at)}.`;
  const trouble = troubleOf(view);
  if (trouble !== undefined) return { ...trouble, meaning: stays };
  if (left < RENEWAL_DUE_BELOW) {
    return {
      tone: 'good',
      title: 'Good, renewal is due',
      meaning: html`The identity works until ${timestamp(notAfter, at)}. Consul’s next leaf replaces it.`,
    };
  }
  return {
    tone: 'good',
    title: 'Good',
    meaning: html`The identity is published and works until ${timestamp(notAfter, at)}.`,
  };
}

/** What is wrong while a good identity is published. */
function troubleOf({ health: { problems, ready } }: View): Pick<OverallStatus, 'tone' | 'title'> | undefined {
  if (problems.has('identity')) return { tone: 'bad', title: 'It cannot be written' };
  if (problems.has('service') && !ready.ok) return { tone: 'bad', title: 'The gateway is not told of it' };
  if (problems.has('trust')) return { tone: 'note', title: 'Good, but Consul’s roots are unusable' };
  if (problems.has('candidate')) return { tone: 'note', title: 'Good, but Consul’s leaf is refused' };
  if (problems.has('roots') || problems.has('leaf')) {
    return { tone: 'note', title: 'Good, but Consul does not answer' };
  }
  const isUnwatched = [...problems.keys()].some((part) => part.startsWith('watch '));
  return isUnwatched ? { tone: 'note', title: 'Good, but it cannot be watched' } : undefined;
}

/** The title of the window, and of a picture of the page. */
export function windowTitle(view: View): string {
  const { published } = view.health;
  const until = published === undefined ? '' : `, expires ${relative(published.notAfter, view.at)}`;
  return `${overallStatusOf(view).title}${until} - ambassador-consul-connector`;
}
