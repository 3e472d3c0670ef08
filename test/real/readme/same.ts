/** What differs between runs. It is replaced on both sides before they are compared. */
const VARIES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>'],
  // Consul names its CA after a random string and the beginning of the trust domain.
  [/\bpri-\w+\.consul\.ca\.[0-9a-f]{8}\b/g, 'pri-<id>.consul.ca.<id>'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>'],
  // Of the API server; one that was built before the version was set has v0.0.0.
  [/(https:\/\/127\.0\.0\.1:<port>), v\d+\.\d+\.\d+\S*$/gm, '$1, <version>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/(serial-number: ).+/g, '$1<serial>'],
  [/(roots-index: )\d+/g, '$1<index>'],
  // Since kubectl 1.33.
  [/( deleted) from \S+ namespace$/gm, '$1'],
  // The length of a signature varies by a byte.
  [/\b\d+ bytes/g, '<n> bytes'],
];

/** `kubectl describe` lists the keys of a Secret in random order. */
const UNORDERED = /(?:^\S+: +<n> bytes(?:\n|$))+/gm;

export function normalised(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return VARIES.reduce((printed, [pattern, name]) => printed.replace(pattern, name), lines.join('\n'))
    .trim()
    .replace(UNORDERED, (block) => block.trim().split('\n').sort().join('\n'));
}
