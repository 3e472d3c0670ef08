import type { Answer, Published } from '../scenario.ts';

/** What Consul answers from then on, and what is published because of it. */
export interface Step extends Published {
  readonly name: string;
  readonly answers: readonly Answer[];
  /** The files that change, and the first row of `check` that is no PASS. */
  readonly changes: readonly ('tls' | 'ca')[];
  readonly check: 'ok' | 'warn chain';
}

/** The answers of one server, one after another. */
export interface Rotation {
  readonly name: string;
  readonly steps: readonly Step[];
}

const FIRST = { name: 'before', changes: ['tls', 'ca'], check: 'ok' } as const;
const NEW_ROOT = { name: 'right after', changes: ['ca'], check: 'warn chain' } as const;
const NEW_LEAF = { name: 'after', changes: ['tls'], check: 'ok' } as const;

/** The first step has no roots of before the rotation: none were recorded. */
const OLD_LEAF = { name: 'right after', changes: ['tls', 'ca'], check: 'warn chain' } as const;

const VERSIONS = ['1.16.4', '1.8.7'] as const;
type Version = (typeof VERSIONS)[number];

export const ROTATIONS: readonly Rotation[] = VERSIONS.flatMap((version) => [
  twice(version),
  withoutCrossSigning(version, 'rotation-force'),
  withoutCrossSigning(version, 'rotation-same-name'),
  ofThePrimary(version),
]);

function twice(version: Version): Rotation {
  const of = (...names: string[]): string[] => names.map((name) => `${version}/${name}`);
  const rsaRoots = 'rotation-2-ec-to-rsa-roots-right-after';
  // 1.8.7 did not wake the leaf query within 60 s, and went on answering the old leaf.
  const isWoken = version !== '1.8.7';
  // The new root is cross-signed by the second, and that by the first.
  const rsaLeaf = isWoken
    ? ({ chain: 3, roots: 3, check: 'ok' } as const)
    : ({ chain: 2, roots: 3, check: 'warn chain' } as const);
  return {
    name: `${version}: a rotation, and one from EC to RSA`,
    steps: [
      { ...FIRST, answers: of('rotation-1-roots-before', 'rotation-1-leaf-before'), chain: 1, roots: 1 },
      {
        ...NEW_ROOT,
        answers: of(
          'rotation-1-roots-right-after',
          'rotation-1-roots-blocking',
          'rotation-1-leaf-right-after',
        ),
        chain: 1,
        roots: 2,
      },
      {
        ...NEW_LEAF,
        answers: of('rotation-1-roots-after', 'rotation-1-leaf-after', 'rotation-1-leaf-blocking'),
        chain: 2,
        roots: 2,
      },
      {
        ...NEW_ROOT,
        name: 'right after the second',
        answers: of(rsaRoots, 'rotation-2-roots-blocking', 'rotation-2-ec-to-rsa-leaf-right-after'),
        chain: 2,
        roots: 3,
      },
      {
        ...NEW_LEAF,
        name: 'after the second',
        answers: of(rsaRoots, 'rotation-2-ec-to-rsa-leaf-after', 'rotation-2-leaf-blocking'),
        ...rsaLeaf,
        changes: isWoken ? NEW_LEAF.changes : [],
      },
      {
        name: 'a change of the configuration that changes no root',
        answers: of(
          rsaRoots,
          'configuration-written-unchanged-roots-blocking',
          'rotation-2-ec-to-rsa-leaf-after',
        ),
        ...rsaLeaf,
        changes: [],
      },
    ],
  };
}

/** 1.8.7 cross-signs all the same. */
function withoutCrossSigning(version: Version, kind: string): Rotation {
  const of = (name: string): string => `${version}/${kind}-${name}`;
  const roots = of('roots-right-after');
  return {
    name: `${version}: ${kind}, ForceWithoutCrossSigning`,
    steps: [
      { ...OLD_LEAF, answers: [roots, of('leaf-right-after')], chain: 1, roots: 2 },
      {
        ...NEW_LEAF,
        answers: [roots, of('leaf-after'), of('leaf-blocking')],
        chain: version === '1.8.7' ? 2 : 1,
        roots: 2,
      },
    ],
  };
}

/** Of the primary, as its secondary dc2 answers. */
function ofThePrimary(version: Version): Rotation {
  const of = (...names: string[]): string[] => names.map((name) => `${version}/datacenters-${name}`);
  return {
    name: `T12: ${version}: dc2 as its primary is rotated`,
    steps: [
      { ...FIRST, answers: of('dc2-roots', 'dc2-leaf'), chain: 2, roots: 1 },
      {
        ...NEW_ROOT,
        answers: of('rotation-dc2-roots-after', 'rotation-dc2-roots-blocking', 'dc2-leaf'),
        chain: 2,
        roots: 2,
      },
      {
        ...NEW_LEAF,
        answers: of('rotation-dc2-roots-after', 'rotation-dc2-leaf-after', 'rotation-dc2-leaf-blocking'),
        chain: 3,
        roots: 2,
      },
    ],
  };
}
