/** The last reported values by name, so that a lasting state is reported once. */
export class ChangeDetector {
  readonly #last = new Map<string, unknown>();

  /** Whether `value` differs from the last one of that name; stores it. */
  isNew(name: string, value: unknown): boolean {
    if (this.#last.has(name) && this.#last.get(name) === value) return false;
    this.#last.set(name, value);
    return true;
  }
}
