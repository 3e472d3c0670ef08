import { stringify } from 'yaml';
import type { Content } from '../../identity/published.ts';
import type { Manifests } from '../manifests.ts';
import type { SetFile } from './atomic-set.ts';
import { envoyFiles } from './envoy-files.ts';
import type { OutputFiles } from './output.ts';

const PUBLIC_MODE = 0o644;

/** The files that a gateway reads. */
export function identityFiles(
  { tlsCrt, tlsKey, caCrt }: Content,
  { keyMode, owner, group, extra }: OutputFiles,
): Record<string, SetFile> {
  const ofKey = { mode: keyMode, owner, group };
  return {
    'tls.crt': { text: tlsCrt, mode: PUBLIC_MODE, owner, group },
    'tls.key': { text: tlsKey, ...ofKey },
    ...(extra.includes('pem') ? { 'tls.pem': { text: tlsCrt + tlsKey, ...ofKey } } : {}),
    'ca.crt': { text: caCrt, mode: PUBLIC_MODE, owner, group },
  };
}

/** All files of a set, for a reader of `directory`: those, the manifests, and what an Envoy reads them by. */
export function filesOf(
  directory: string,
  content: Content,
  { upstreamCa, secret, service }: Manifests,
  output: OutputFiles,
): Record<string, SetFile> {
  const { keyMode, owner, group, extra } = output;
  const file = (manifest: object, mode: number): SetFile => ({
    text: stringify(manifest, { lineWidth: 0 }),
    mode,
    owner,
    group,
  });
  const envoy = extra.includes('envoy') ? envoyFiles(directory) : undefined;
  return {
    ...identityFiles(content, output),
    'secret.yaml': file(secret, keyMode),
    ...(upstreamCa === undefined ? {} : { 'ca-secret.yaml': file(upstreamCa, PUBLIC_MODE) }),
    ...(service === undefined ? {} : { 'service.yaml': file(service, PUBLIC_MODE) }),
    ...(envoy === undefined
      ? {}
      : {
          'envoy-identity.yaml': file(envoy.identity, PUBLIC_MODE),
          'envoy-roots.yaml': file(envoy.roots, PUBLIC_MODE),
        }),
  };
}
