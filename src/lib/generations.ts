/**
 * A cache that keeps every entry in use, however many there are. An entry is dropped when a whole generation passes without a use
 * of it.
 */
export class Generations<Key, Value> {
  readonly #max: number;
  #current = new Map<Key, Value>();
  #previous = new Map<Key, Value>();

  /** @param max entries of one generation; a full generation ends by itself */
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
