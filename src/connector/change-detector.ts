/** The values that were reported last, by name: what lasts is reported once. */
export class ChangeDetector {
  readonly #last = new Map<string, unknown>();

  /** Whether `value` is not the last one of that name; it is the last one from now on. */
  isNew(name: string, value: unknown): boolean {
    if (this.#last.has(name) && this.#last.get(name) === value) return false;
    this.#last.set(name, value);
    return true;
  }
}
