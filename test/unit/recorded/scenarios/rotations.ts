import { of } from '../outcomes.ts';
import type { Answer, Published } from '../scenario.ts';

/** The answers of Consul from then on, and what is published because of them. */
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

/** The first step has no roots from before the rotation: none were recorded. */
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
  const answers = (names: string): string[] => of(`${version}/rotation`, names);
  const rsaRoots = '2-ec-to-rsa-roots-right-after';
  // 1.8.7 did not wake the leaf query within 60 s, and went on answering the old leaf.
  const isWoken = version !== '1.8.7';
  // The new root is cross-signed by the second, and that by the first.
  const rsaLeaf = isWoken
    ? ({ chain: 3, roots: 3, check: 'ok' } as const)
    : ({ chain: 2, roots: 3, check: 'warn chain' } as const);
  const rsaAnswers = answers(`${rsaRoots} 2-ec-to-rsa-leaf-after`);
  return {
    name: `${version}: a rotation, and one from EC to RSA`,
    steps: [
      { ...FIRST, answers: answers('1-roots-before 1-leaf-before'), chain: 1, roots: 1 },
      {
        ...NEW_ROOT,
        answers: answers('1-roots-right-after 1-roots-blocking 1-leaf-right-after'),
        chain: 1,
        roots: 2,
      },
      { ...NEW_LEAF, answers: answers('1-roots-after 1-leaf-after 1-leaf-blocking'), chain: 2, roots: 2 },
      {
        ...NEW_ROOT,
        name: 'right after the second',
        answers: answers(`${rsaRoots} 2-roots-blocking 2-ec-to-rsa-leaf-right-after`),
        chain: 2,
        roots: 3,
      },
      {
        ...NEW_LEAF,
        name: 'after the second',
        answers: [...rsaAnswers, ...answers('2-leaf-blocking')],
        ...rsaLeaf,
        changes: isWoken ? NEW_LEAF.changes : [],
      },
      {
        name: 'a change of the configuration that changes no root',
        answers: [...rsaAnswers, `${version}/configuration-written-unchanged-roots-blocking`],
        ...rsaLeaf,
        changes: [],
      },
    ],
  };
}

/** 1.8.7 cross-signs all the same. */
function withoutCrossSigning(version: Version, kind: string): Rotation {
  const answers = (names: string): string[] => of(`${version}/${kind}`, `roots-right-after ${names}`);
  const chain = version === '1.8.7' ? 2 : 1;
  return {
    name: `${version}: ${kind}, ForceWithoutCrossSigning`,
    steps: [
      { ...OLD_LEAF, answers: answers('leaf-right-after'), chain: 1, roots: 2 },
      { ...NEW_LEAF, answers: answers('leaf-after leaf-blocking'), chain, roots: 2 },
    ],
  };
}

/** Of the primary, as its secondary dc2 answers. */
function ofThePrimary(version: Version): Rotation {
  const answers = (names: string): string[] => of(`${version}/datacenters`, names);
  const after = 'rotation-dc2-roots-after';
  return {
    name: `T12: ${version}: dc2 as its primary is rotated`,
    steps: [
      { ...FIRST, answers: answers('dc2-roots dc2-leaf'), chain: 2, roots: 1 },
      {
        ...NEW_ROOT,
        answers: answers(`${after} rotation-dc2-roots-blocking dc2-leaf`),
        chain: 2,
        roots: 2,
      },
      {
        ...NEW_LEAF,
        answers: answers(`${after} rotation-dc2-leaf-after rotation-dc2-leaf-blocking`),
        chain: 3,
        roots: 2,
      },
    ],
  };
}
