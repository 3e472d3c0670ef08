/** `text` in a colour of ECMA-48 (SGR), or as it is without one. */
export function coloured(text: string, code: number | undefined): string {
  return code === undefined ? text : `\u001b[${code}m${text}\u001b[0m`;
}

/** Whether what is written there is for a person who wants colours (no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
}
