/** Wakes everyone who waits for the next change, once. */
export class Changes {
  #waiting = newWaiting();

  /** Resolves at the next change. Take it before reading the state, so that no change falls in between. */
  next(): Promise<void> {
    return this.#waiting.promise;
  }

  announce(): void {
    const { wake } = this.#waiting;
    this.#waiting = newWaiting();
    wake();
  }
}

function newWaiting(): { readonly promise: Promise<void>; readonly wake: () => void } {
  let wake = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    wake = resolve;
  });
  return { promise, wake };
}
