import { X509Certificate } from 'node:crypto';
import { type Answer, jsonAnswer, uint64 } from './answer.ts';
import type { Leaf, MeshAuthority, Root } from './mesh-authority.ts';

/** One root of `GET /v1/agent/connect/ca/roots`, as a script's `withJson` sees it. */
export interface RootJson {
  ID: string;
  Name: string;
  SerialNumber: number;
  SigningKeyID: string;
  ExternalTrustDomain: string;
  NotBefore: string;
  NotAfter: string;
  RootCert: string;
  IntermediateCerts: string[] | null;
  Active: boolean;
  PrivateKeyType: string;
  PrivateKeyBits: number;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface RootsJson {
  ActiveRootID: string;
  TrustDomain: string;
  Roots: RootJson[];
}

export interface LeafJson {
  SerialNumber: string;
  CertPEM: string;
  PrivateKeyPEM: string;
  Service: string;
  ServiceURI: string;
  ValidAfter: string;
  ValidBefore: string;
  CreateIndex: number;
  ModifyIndex: number;
}

/** What Consul adds to answers from its state store, and not to the leaf. */
const CONSISTENCY = { 'X-Consul-KnownLeader': 'true', 'X-Consul-LastContact': '0' };
const KEY_OF = {
  'ec-p256': { PrivateKeyType: 'ec', PrivateKeyBits: 256 },
  'ec-p384': { PrivateKeyType: 'ec', PrivateKeyBits: 384 },
  'rsa-2048': { PrivateKeyType: 'rsa', PrivateKeyBits: 2048 },
};

export function rootsAnswer(mesh: MeshAuthority): Answer {
  const { index, value: roots } = mesh.roots();
  const body = {
    ActiveRootID: mesh.activeRoot.id,
    TrustDomain: mesh.trustDomain,
    Roots: roots.map((root) => rootBody(root, mesh.trustDomain)),
  };
  return jsonAnswer(body, { 'X-Consul-Index': index.toString(), ...CONSISTENCY });
}

function rootBody(root: Root, trustDomain: string): unknown {
  const { authority, intermediates } = root;
  return {
    ID: root.id,
    Name: 'Consul CA Primary Cert',
    // Consul squeezes the serial into 64 bits, which is still more than a double holds.
    SerialNumber: uint64(BigInt(`0x${authority.serial}`)),
    SigningKeyID: colons(authority.keyId ?? ''),
    ExternalTrustDomain: trustDomain.replace(/\.consul$/, ''),
    NotBefore: goTime(authority.notBefore),
    NotAfter: goTime(authority.notAfter),
    RootCert: authority.certPem,
    IntermediateCerts: intermediates.length === 0 ? null : intermediates,
    Active: root.active,
    ...KEY_OF[authority.keys.type],
    CreateIndex: uint64(root.createIndex),
    ModifyIndex: uint64(root.modifyIndex),
  };
}

export function leafAnswer(leaf: Leaf): Answer {
  const { issued, index } = leaf;
  const body = {
    SerialNumber: colons(new X509Certificate(issued.certPem).serialNumber.toLowerCase()),
    CertPEM: leaf.chainPem,
    PrivateKeyPEM: issued.keyPem,
    Service: leaf.service,
    ServiceURI: issued.uri,
    ValidAfter: goTime(issued.notBefore),
    ValidBefore: goTime(issued.notAfter),
    CreateIndex: uint64(index),
    ModifyIndex: uint64(index),
  };
  return jsonAnswer(body, { 'X-Consul-Index': index.toString() });
}

function colons(hex: string): string {
  return hex.match(/../g)?.join(':') ?? '';
}

/** RFC 3339 without fractions, as Go prints a certificate's times. */
function goTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
