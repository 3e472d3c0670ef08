import { join, resolve } from 'node:path';

const SECRET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/**
 * Two files with which Envoy reads the folder by SDS (Envoy docs: config-secret-discovery-service, key rotation): it reads the
 * files again whenever the link to the current set is replaced. The upstream's expected SANs belong in the cluster's configuration.
 *
 * @param directory the folder, at the same path for Envoy
 */
export function envoyFiles(directory: string): Readonly<Record<'identity' | 'roots', object>> {
  const path = resolve(directory);
  const at = (name: string) => ({ filename: join(path, name) });
  const watched = { watched_directory: { path } };
  return {
    identity: response('identity', {
      tls_certificate: { certificate_chain: at('tls.crt'), private_key: at('tls.key'), ...watched },
    }),
    roots: response('roots', { validation_context: { trusted_ca: at('ca.crt'), ...watched } }),
  };
}

function response(name: string, secret: object): object {
  return { resources: [{ '@type': SECRET, name, ...secret }] };
}
