import { holds, type Sightings, type Stored } from './sightings.ts';

/** A Consul and a place to publish, for one subject at a time. */
export interface Stage {
  /** The environment of a subject. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  /** Changes Consul's answers. The preparation is done before `at`. */
  change(): Promise<Change>;
  /** Resolves once the subject waits for Consul's next answers. */
  waiting(): Promise<void>;
  /** Removes the published objects. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface Change {
  /** The time of the change, by `performance.now()`. */
  readonly at: number;
  readonly rootPem: string;
  /** Undefined if the leaf follows independently. */
  readonly leafPem: string | undefined;
}

/** Whether it is the expected result of the change: the new root, and the new leaf. */
export function isVisible({ certificatePem, caPem }: Stored, { rootPem, leafPem }: Change): boolean {
  return holds(caPem, rootPem) && (leafPem === undefined || holds(certificatePem, leafPem));
}

/** The time from one change until it is visible, in milliseconds. */
export async function changeOnce(stage: Stage): Promise<number> {
  const change = await stage.change();
  const stored = await stage.secrets.first(change.at, (each) => isVisible(each, change));
  return stored.at - change.at;
}
