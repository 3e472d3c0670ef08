import { type Gateway, type GatewayFiles, nginxKind, startGateway, type Upstream } from './gateway.ts';

const PREFIX = 'nginx.ingress.kubernetes.io/';

/** The annotations `proxy-ssl-…` of an Ingress, and what ingress-nginx takes where one is missing. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'proxy-ssl-ciphers': 'DEFAULT',
  'proxy-ssl-protocols': 'TLSv1 TLSv1.1 TLSv1.2',
  'proxy-ssl-verify': 'off',
  'proxy-ssl-verify-depth': '1',
  'proxy-ssl-server-name': 'off',
};

/**
 * nginx with the directives that the template of ingress-nginx makes of the annotations (`rootfs/etc/nginx/template`): one
 * file with certificate and key for both directives, `proxy_ssl_server_name` only beside `proxy_ssl_name`, no name of its
 * own for the upstream. The controller itself is not run.
 */
export function startIngressNginx(
  annotations: Readonly<Record<string, string>>,
  upstream: Omit<Upstream, 'tlsName'>,
  files: GatewayFiles,
): Promise<Gateway> {
  const value = (name: string) => annotations[`${PREFIX}${name}`] ?? DEFAULTS[name];
  const directive = (name: string) => `${name.replaceAll('-', '_')} ${value(name)};`;
  const name = value('proxy-ssl-name');
  const kind = nginxKind({
    verifiesUpstream: value('proxy-ssl-verify') === 'on',
    files: ({ certificate, privateKey, bundle = '' }) => ({ pem: certificate + privateKey, ca: bundle }),
    http: ({ port, upstreams, file }) => `
  upstream upstream_balancer {
    ${upstreams.map(({ port: to }) => `server 127.0.0.1:${to};`).join('\n    ')}
  }
  server {
    listen 127.0.0.1:${port};
    proxy_ssl_trusted_certificate ${file('ca')};
    ${['proxy-ssl-ciphers', 'proxy-ssl-protocols', 'proxy-ssl-verify', 'proxy-ssl-verify-depth'].map(directive).join('\n    ')}
    ${name === undefined ? '' : `${directive('proxy-ssl-name')} ${directive('proxy-ssl-server-name')}`}
    proxy_ssl_certificate ${file('pem')};
    proxy_ssl_certificate_key ${file('pem')};
    location / { proxy_pass https://upstream_balancer; }
  }`,
  });
  return startGateway(kind, [{ ...upstream, tlsName: '' }], files);
}
