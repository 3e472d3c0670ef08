/**
 * The index for the next blocking query, from that of the last one and the `X-Consul-Index` header of its answer.
 * Undefined means to start over without an index. Consul requires that when the index goes backwards (a restored or new server,
 * consul PR #2621) or is 0; a proxy may drop or corrupt it. Indexes are 64-bit and do not fit into a number.
 */
export function nextIndex(last: bigint | undefined, header: string | undefined): bigint | undefined {
  const index = readIndex(header);
  if (index === undefined || (last !== undefined && index < last)) return undefined;
  return index;
}

/** The index of an answer; undefined if it has no usable one. */
export function readIndex(header: string | undefined): bigint | undefined {
  if (header === undefined || !/^\d{1,20}$/.test(header)) return undefined;
  const index = BigInt(header);
  return index === 0n ? undefined : index;
}
