import { join, resolve } from 'node:path';

const SECRET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/**
 * Two files by which an Envoy reads the folder by SDS (docs of Envoy: config-secret-discovery-service, key rotation): it reads the
 * files again whenever the link to the current set is replaced in the folder. What the upstream must be is for its cluster to say.
 *
 * @param directory as the Envoy sees it too
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
