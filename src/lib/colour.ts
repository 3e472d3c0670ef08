/** `text` in an ECMA-48 colour (SGR code), or unchanged without one. */
export function coloured(text: string, code: number | undefined): string {
  return code === undefined ? text : `\u001b[${code}m${text}\u001b[0m`;
}

/** Whether the stream is a terminal and colours are not disabled (no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
}
