import { lifetimeLeft } from '../../identity/identity.ts';
import { RENEWAL_DUE_BELOW, UNREADY_BELOW } from '../../identity/policy/thresholds.ts';
import { type Html, html } from './html.ts';
import { relative, timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** The overall status as a colour and, for accessibility, in words. */
export interface OverallStatus {
  readonly tone: Tone;
  readonly title: string;
  /** The consequence for the gateway, in a sentence or two. */
  readonly meaning: Html;
}

export type Tone = 'good' | 'note' | 'bad' | 'wait';

/** The most severe status that applies. */
export function overallStatusOf(view: View): OverallStatus {
  const { at, health } = view;
  const { published, problems, unpublishedReason } = health;
  if (published === undefined) {
    const isBlocked = [...problems.values()].some(({ code }) => code !== undefined);
    return {
      tone: isBlocked || unpublishedReason !== undefined ? 'bad' : 'wait',
      title: unpublishedReason === undefined ? 'No identity yet' : 'No valid identity',
      meaning: html`The gateway cannot connect to the mesh. ${unpublishedReason ?? 'Waiting for Consul and for Kubernetes'}.`,
    };
  }
  const { notAfter } = published;
  const left = lifetimeLeft(published, at);
  if (left <= 0) {
    return {
      tone: 'bad',
      title: 'Expired',
      meaning: html`The identity expired ${timestamp(notAfter, at)}. Sidecars reject the gateway.`,
    };
  }
  if (left < UNREADY_BELOW) {
    return {
      tone: 'bad',
      title: 'About to expire',
      meaning: html`Unless Consul issues a newer leaf, sidecars will reject the gateway from ${timestamp(notAfter, at)}.`,
    };
  }
  const stays = html`The published identity is unchanged, and valid until ${timestamp(notAfter, at)}.`;
  const trouble = troubleOf(view);
  if (trouble !== undefined) return { ...trouble, meaning: stays };
  if (left < RENEWAL_DUE_BELOW) {
    return {
      tone: 'good',
      title: 'Good, renewal is due',
      meaning: html`The identity is valid until ${timestamp(notAfter, at)}. Consul&rsquo;s next leaf replaces it.`,
    };
  }
  return {
    tone: 'good',
    title: 'Good',
    meaning: html`The identity is published and valid until ${timestamp(notAfter, at)}.`,
  };
}

/** The problem while a valid identity is published. */
function troubleOf({ health: { problems, ready } }: View): Pick<OverallStatus, 'tone' | 'title'> | undefined {
  if (problems.has('identity')) return { tone: 'bad', title: 'The identity cannot be written' };
  if (problems.has('service') && !ready.ok) return { tone: 'bad', title: 'The gateway cannot be notified' };
  if (problems.has('trust')) return { tone: 'note', title: 'Good, but Consul’s roots are unusable' };
  if (problems.has('candidate')) return { tone: 'note', title: 'Good, but Consul’s leaf is rejected' };
  if (problems.has('roots') || problems.has('leaf')) {
    return { tone: 'note', title: 'Good, but Consul does not answer' };
  }
  const isUnwatched = [...problems.keys()].some((part) => part.startsWith('watch '));
  return isUnwatched ? { tone: 'note', title: 'Good, but the objects cannot be watched' } : undefined;
}

/** The title of the window. */
export function windowTitle(view: View): string {
  const { published } = view.health;
  const until = published === undefined ? '' : `, expires ${relative(published.notAfter, view.at)}`;
  return `${overallStatusOf(view).title}${until} - ambassador-consul-connector`;
}
