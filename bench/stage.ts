import { holds, type Sightings, type Stored } from './sightings.ts';

/** A Consul, and a place to publish, for one subject at a time. */
export interface Stage {
  /** What a subject is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  /** Makes Consul answer differently. Whatever it takes to make that ready is done before `at`. */
  change(): Promise<Change>;
  /** Resolves once the subject waits for Consul's next answers. */
  waiting(): Promise<void>;
  /** Removes what was published. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface Change {
  /** When it was, by `performance.now()`. */
  readonly at: number;
  readonly rootPem: string;
  /** Undefined where the leaf follows in its own time. */
  readonly leafPem: string | undefined;
}

/** Whether that is what the change was to lead to: the new root, and the new leaf. */
export function isVisible({ certificatePem, caPem }: Stored, { rootPem, leafPem }: Change): boolean {
  return holds(caPem, rootPem) && (leafPem === undefined || holds(certificatePem, leafPem));
}

/** One change, until it is visible; in milliseconds. */
export async function changeOnce(stage: Stage): Promise<number> {
  const change = await stage.change();
  const stored = await stage.secrets.first(change.at, (each) => isVisible(each, change));
  return stored.at - change.at;
}
