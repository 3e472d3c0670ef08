/**
 * @peculiar/x509 2 registers its algorithms with tsyringe, which refuses to load without a `reflect-metadata` polyfill and
 * declares none. It registers them by hand, so nothing is ever read back: three functions that know nothing are enough.
 * Import this before the library.
 */
const nothing = (): undefined => undefined;

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: nothing, getOwnMetadata: nothing, defineMetadata: nothing });
}
