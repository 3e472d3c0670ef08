/**
 * What was worked out of late, by its key: what is in use is kept, however much it is, and what is not is forgotten. An entry goes
 * when a whole generation has passed without it.
 */
export class Generations<Key, Value> {
  readonly #max: number;
  #current = new Map<Key, Value>();
  #previous = new Map<Key, Value>();

  /** @param max entries of one generation, so that it ends by itself where nobody ends it */
  constructor(max: number) {
    this.#max = max;
  }

  get(key: Key): Value | undefined {
    const value = this.#current.get(key) ?? this.#previous.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    if (this.#current.size >= this.#max) this.endGeneration();
    this.#current.set(key, value);
  }

  endGeneration(): void {
    this.#previous = this.#current;
    this.#current = new Map();
  }
}
