import type { Sightings } from './sightings.ts';

/** A target where subjects publish, and its observation: a namespace, or a folder. */
export interface Place {
  /** The environment that configures a subject for it. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  /** Removes the published objects; no further sighting of them is reported. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** An API server, or a double of one, with places in it. */
export interface ApiServer {
  readonly name: string;
  /** @param speed the speed of the subject's time relative to the machine's */
  place(namespace: string, speed?: number): Promise<Place>;
  /** The administrator's kubectl, with its first arguments; undefined if none can be used. */
  kubectl(namespace: string): readonly string[] | undefined;
  close(): Promise<void>;
}
