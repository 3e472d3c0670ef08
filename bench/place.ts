import type { Sightings } from './sightings.ts';

/** Where subjects publish, and what is seen of it: a namespace, or a folder. */
export interface Place {
  /** What tells a subject of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  /** Removes what was published; no sighting of it comes any more. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** An API server, or a double of one, for places in it. */
export interface ApiServer {
  readonly name: string;
  /** `speed`: how many times as fast as the machine's the time of what publishes there runs. */
  place(namespace: string, speed?: number): Promise<Place>;
  /** The administrator's kubectl, with its first arguments; undefined where none can be used. */
  kubectl(namespace: string): readonly string[] | undefined;
  close(): Promise<void>;
}
