import { stringify } from 'yaml';
import type { Content } from '../../identity/published.ts';
import type { Manifests } from '../manifests.ts';
import type { SetFile } from './atomic-set.ts';
import { envoyFiles } from './envoy-files.ts';
import { keyStore, trustStore } from './java-stores.ts';
import type { ExtraFiles, OutputFiles } from './output.ts';

const PUBLIC_MODE = 0o644;

/** The files that gateways read. */
export function identityFiles(
  { tlsCrt, tlsKey, caCrt }: Content,
  { keyMode, owner, group, extra }: OutputFiles,
): Record<string, SetFile> {
  const ofKey = { mode: keyMode, owner, group };
  return {
    'tls.crt': { content: tlsCrt, mode: PUBLIC_MODE, owner, group },
    'tls.key': { content: tlsKey, ...ofKey },
    ...(extra.includes('pem') ? { 'tls.pem': { content: tlsCrt + tlsKey, ...ofKey } } : {}),
    'ca.crt': { content: caCrt, mode: PUBLIC_MODE, owner, group },
  };
}

/** All files of a set in `directory`: the identity, the manifests, and the configured extra files. */
export function filesOf(
  directory: string,
  content: Content,
  { upstreamCa, secret, service }: Manifests,
  output: OutputFiles,
): Record<string, SetFile> {
  const { keyMode, owner, group, extra, keystorePassword } = output;
  const file = (text: string | Buffer, mode: number): SetFile => ({ content: text, mode, owner, group });
  const yaml = (manifest: object, mode = PUBLIC_MODE): SetFile =>
    file(stringify(manifest, { lineWidth: 0 }), mode);
  const where = (wanted: ExtraFiles, files: () => Record<string, SetFile>): Record<string, SetFile> =>
    extra.includes(wanted) ? files() : {};
  return {
    ...identityFiles(content, output),
    'secret.yaml': yaml(secret, keyMode),
    ...(upstreamCa === undefined ? {} : { 'ca-secret.yaml': yaml(upstreamCa) }),
    ...(service === undefined ? {} : { 'service.yaml': yaml(service) }),
    ...where('envoy', () => {
      const { identity, roots } = envoyFiles(directory);
      return { 'envoy-identity.yaml': yaml(identity), 'envoy-roots.yaml': yaml(roots) };
    }),
    ...where('pkcs12', () => ({
      'keystore.p12': file(keyStore(content, keystorePassword), keyMode),
      'truststore.p12': file(trustStore(content, keystorePassword), PUBLIC_MODE),
    })),
  };
}
