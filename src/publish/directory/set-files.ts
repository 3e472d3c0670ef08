import { stringify } from 'yaml';
import type { Content } from '../../identity/published.ts';
import type { Manifests } from '../manifests.ts';
import type { SetFile } from './atomic-set.ts';

/** How the files are to be; undefined: as this process makes them. */
export interface OutputFiles {
  /** Of those that hold the key. */
  readonly keyMode: number;
  readonly owner: number | undefined;
  readonly group: number | undefined;
}

const PUBLIC_MODE = 0o644;

/** The files that a gateway reads. */
export function identityFiles(
  { tlsCrt, tlsKey, caCrt }: Content,
  { keyMode, owner, group }: OutputFiles,
): Record<string, SetFile> {
  return {
    'tls.crt': { text: tlsCrt, mode: PUBLIC_MODE, owner, group },
    'tls.key': { text: tlsKey, mode: keyMode, owner, group },
    'ca.crt': { text: caCrt, mode: PUBLIC_MODE, owner, group },
  };
}

/** All files of a set: those, and the manifests. */
export function filesOf(
  content: Content,
  { upstreamCa, secret, service }: Manifests,
  output: OutputFiles,
): Record<string, SetFile> {
  const { keyMode, owner, group } = output;
  const file = (manifest: object, mode: number): SetFile => ({
    text: stringify(manifest, { lineWidth: 0 }),
    mode,
    owner,
    group,
  });
  return {
    ...identityFiles(content, output),
    'secret.yaml': file(secret, keyMode),
    ...(upstreamCa === undefined ? {} : { 'ca-secret.yaml': file(upstreamCa, PUBLIC_MODE) }),
    ...(service === undefined ? {} : { 'service.yaml': file(service, PUBLIC_MODE) }),
  };
}
