import type { VARIABLES } from './variables.ts';

/** The description of a variable in `help env`, docs/configuration.md and .env.example, in Markdown. */
export interface VariableHelp {
  readonly what: string;
  /** In words if the default is not a fixed text. */
  readonly default: string;
  /** The default in .env.example; empty if the default is in words. */
  readonly value: string;
}

type Name = keyof typeof VARIABLES;

function literal(value: string, what: string): VariableHelp {
  return { what, default: `\`${value}\``, value };
}

/** A variable without a default, or whose default depends on others. */
function other(inWords: string, what: string): VariableHelp {
  return { what, default: inWords, value: '' };
}

/** The descriptions of all variables: `npm run variables` writes the page and the example from them. */
export const VARIABLE_HELP: Readonly<Record<Name, VariableHelp>> = {
  _AMBASSADOR_ID: other(
    'none',
    'The `AMBASSADOR_ID` of the gateway. It goes into the names of the Secret, the Service and the Consul service, and into the TLSContext as `ambassador_id`.',
  ),
  _CONSUL_SERVICE: other(
    '`ambassador`; with an ID `ambassador-<ID>`',
    'The Consul service whose identity the gateway gets.',
  ),
  _CONSUL_HOST: other(
    '`127.0.0.1`',
    'Host name or IP address of a Consul agent or server, without scheme or port. A name may resolve to several servers.',
  ),
  _CONSUL_PORT: other('`8500`', 'Port of its HTTP or HTTPS API; the latter is 8501 by convention.'),
  _CONSUL_TRUST_DOMAIN: other(
    'that of Consul',
    'The expected trust domain, as shown by `consul connect ca roots`. Identities of any other are rejected: `WRONG_TRUST_DOMAIN`. If it is not set, a change causes a warning, an Event and an alert.',
  ),
  _CONSUL_WAIT: literal(
    '50s',
    'How long Consul may hold a query open: `1s` to `10m`, with a unit. Keep it below the idle timeout of any proxy in between.',
  ),
  _CONSUL_ADDRESSES: other(
    'none',
    'Several servers, as `host,host` or `host:port,host:port`; the default port is `_CONSUL_PORT`. Used if `_CONSUL_HOST` is not set.',
  ),
  _CONSUL_HTTP_ADDR: other(
    'none',
    '`host:port`, `http://host:port`, `https://host:port/path` or `unix:///path`; a URL without a port uses 80 or 443. Used if none of `_CONSUL_HOST`, `_CONSUL_PORT` and `CONSUL_ADDRESSES` is set.',
  ),
  _CONSUL_DATACENTER: other('that of the agent or server', 'The datacenter of the service.'),
  _CONSUL_NAMESPACE: other('none', 'Consul Enterprise: the namespace of the service.'),
  _CONSUL_PARTITION: other('none', 'Consul Enterprise: its partition.'),
  _CONSUL_HTTP_AUTH: other(
    'none',
    '`user:password` for a proxy in front of Consul that requires them. The ACL token is sent as well.',
  ),
  _CONSUL_HTTP_TOKEN: other('none', 'ACL token with `service:write` on the Consul service.'),
  _CONSUL_HTTP_TOKEN_FILE: other(
    'none',
    'A file that contains only the ACL token, read for each request. It takes precedence over the token.',
  ),
  _CONSUL_LOGIN_AUTH_METHOD: other(
    'none',
    'Log in with this auth method, of type `kubernetes` or `jwt`. It takes precedence over both forms of token.',
  ),
  _CONSUL_LOGIN_BEARER_TOKEN_FILE: other(
    '`/var/run/secrets/kubernetes.io/serviceaccount/token`',
    'The bearer token for the login, read for each login.',
  ),
  _CONSUL_LOGIN_DATACENTER: other(
    'that of the agent or server',
    'The datacenter of the auth method, for login and logout.',
  ),
  _CONSUL_LOGIN_NAMESPACE: other('none', 'Consul Enterprise: the namespace of the auth method.'),
  _CONSUL_LOGIN_PARTITION: other('none', 'Consul Enterprise: its partition.'),
  _CONSUL_LOGIN_META: other('none', 'Metadata of the login token, as `key=value,…`.'),
  _CONSUL_HTTP_SSL: other(
    '`false`',
    'Use HTTPS. A `CONSUL_HTTP_ADDR` that is used and begins with `https://` implies it.',
  ),
  _CONSUL_HTTP_SSL_VERIFY: literal(
    'true',
    '`false` disables verification: anyone on the network path can read the token and the key. Each start logs a warning.',
  ),
  _CONSUL_CACERT: other(
    'the CAs of Node.js',
    'File with the CA of the servers. This and the three below are read again when they change.',
  ),
  _CONSUL_CAPATH: other('none', 'Folder of such files; `CONSUL_CACERT` takes precedence.'),
  _CONSUL_CLIENT_CERT: other('none', 'File with the client certificate, for Consul with `verify_incoming`.'),
  _CONSUL_CLIENT_KEY: other('none', 'File with its key.'),
  _CONSUL_TLS_SERVER_NAME: other(
    'the host',
    'The name in the certificate of the server, such as `server.dc1.consul`.',
  ),
  _AMBASSADOR_TLS_SECRET_NAME: other(
    '`ambassador-consul-connect`; with an ID `<ID>-consul-connect`',
    'The name of the Secret, without dots: Ambassador treats the part after a dot as a namespace.',
  ),
  _AMBASSADOR_TLS_SECRET_NAMESPACE: other(
    "the namespace of the Pod; outside one that of the kubeconfig's context, else `default`",
    'The namespace of the Secret. If it is not that of the Service, the TLSContext gets `secret: name.namespace` and `secret_namespacing: true`.',
  ),
  _AMBASSADOR_SERVICE_NAME: other(
    '`ambassador-consul-connector`; with an ID `<ID>-consul-connector`',
    "The name of the Service. Its namespace is that of the Pod, or outside one that of the kubeconfig's context.",
  ),
  _AMBASSADOR_SERVICE_ENABLED: literal(
    'true',
    '`false` omits the Service, for users who maintain their own TLSContext.',
  ),
  _AMBASSADOR_TLS_CONTEXT_NAME: literal(
    'ambassador-consul',
    'The name of the TLSContext, which a Mapping references in `tls:`.',
  ),
  _AMBASSADOR_API_VERSION: literal(
    'getambassador.io/v2',
    '`apiVersion` in the annotation, which Ambassador 0.60 to Emissary-ingress 4.1 read. `ambassador/v1` is for older ones, and crashes Emissary-ingress 2.5.1 and 3.4 to 4.1.',
  ),
  _AMBASSADOR_VERIFY_UPSTREAM: literal(
    'false',
    '`true`: the gateway verifies that its peers belong to the mesh. The roots go into a second Secret, `<secret>-ca`, which the TLSContext references in `ca_secret`. This requires the permissions of `k8s/overlays/verify-upstream`.',
  ),
  _AMBASSADOR_LABELS: other(
    'none',
    'Additional labels of the objects, as `key=value,…`, for a gateway with `AMBASSADOR_LABEL_SELECTOR`.',
  ),
  _AMBASSADOR_ANNOTATIONS: other(
    'none',
    'Additional annotations of the objects, one `key=value` per line: a value may contain commas. One that is no longer configured is removed.',
  ),
  _OUTPUT_DIR: other(
    'none',
    'Publish into this folder instead of Kubernetes: `tls.crt`, `tls.key`, `ca.crt`, and the manifests.',
  ),
  _OUTPUT_FILE_MODE: literal(
    '0600',
    'The mode of the files that contain the key: `tls.key` and `secret.yaml`. The others have 0644.',
  ),
  _OUTPUT_FILE_OWNER: other(
    'that of the process',
    'The numeric ID of the user who owns the files; only root can change the owner.',
  ),
  _OUTPUT_FILE_GROUP: other(
    'that of the process',
    'The numeric ID of their group, such as that of the gateway, with `_OUTPUT_FILE_MODE=0640`.',
  ),
  _OUTPUT_EXTRA_FILES: other(
    'none',
    'Additional files: `pem` adds `tls.pem` with certificate and key, for HAProxy; `envoy` adds `envoy-identity.yaml` and `envoy-roots.yaml`, with which Envoy reads the folder by SDS, without a reload; `pkcs12` adds `keystore.p12` and `truststore.p12`, for Java. Several as in `pem,envoy`.',
  ),
  _OUTPUT_KEYSTORE_PASSWORD: literal(
    'changeit',
    'The password of `keystore.p12` and `truststore.p12`, which require one. Anyone who can read `keystore.p12` can also read `tls.key`.',
  ),
  _OUTPUT_RELOAD_COMMAND: other(
    'none',
    'Run by `/bin/sh` once for each new set of files, for at most 30 s, such as `systemctl reload haproxy`. If it fails, the daemon is unready and retries.',
  ),
  _OUTPUT_RELOAD_SIGNAL: other(
    'none',
    'Instead of a command: the signal `HUP`, `USR1` or `USR2` for the process of `_OUTPUT_RELOAD_PID_FILE`, such as `HUP` for nginx.',
  ),
  _OUTPUT_RELOAD_PID_FILE: other(
    'none',
    'The file to which the gateway writes its process ID. If there is no such process, no signal is sent.',
  ),
  _HTTP_HOST: other(
    '`0.0.0.0`',
    'The address of `/livez`, `/readyz`, `/metrics` and the status page; `::` on an IPv6-only cluster. `npm run dev` listens on 127.0.0.1.',
  ),
  _HTTP_PORT: literal('8080', 'Their port; `0` selects a free one.'),
  _LOG_FORMAT: literal(
    'auto',
    '`json`, one object per line; `pretty`, for people; `auto`, pretty at a terminal and json elsewhere. Colours respect `NO_COLOR`.',
  ),
  _LOG_LEVEL: literal('info', '`trace`, `debug`, `info`, `warn`, `error` or `fatal`.'),
};

export interface VariableSection {
  readonly title: string;
  /** Applies to all of them. */
  readonly note?: string;
  readonly names: readonly Name[];
}

export const VARIABLE_SECTIONS: readonly VariableSection[] = [
  {
    title: 'Which gateway',
    names: ['_AMBASSADOR_ID', '_CONSUL_SERVICE'],
  },
  {
    title: 'Consul',
    names: ['_CONSUL_HOST', '_CONSUL_PORT', '_CONSUL_TRUST_DOMAIN', '_CONSUL_WAIT'],
  },
  {
    title: 'Consul, by the variables of its own clients',
    note: 'Each is also read without the leading underscore, as `CONSUL_HTTP_ADDR`; the underscored name takes precedence.',
    names: [
      '_CONSUL_ADDRESSES',
      '_CONSUL_HTTP_ADDR',
      '_CONSUL_DATACENTER',
      '_CONSUL_NAMESPACE',
      '_CONSUL_PARTITION',
      '_CONSUL_HTTP_AUTH',
      '_CONSUL_HTTP_TOKEN',
      '_CONSUL_HTTP_TOKEN_FILE',
      '_CONSUL_LOGIN_AUTH_METHOD',
      '_CONSUL_LOGIN_BEARER_TOKEN_FILE',
      '_CONSUL_LOGIN_DATACENTER',
      '_CONSUL_LOGIN_NAMESPACE',
      '_CONSUL_LOGIN_PARTITION',
      '_CONSUL_LOGIN_META',
      '_CONSUL_HTTP_SSL',
      '_CONSUL_HTTP_SSL_VERIFY',
      '_CONSUL_CACERT',
      '_CONSUL_CAPATH',
      '_CONSUL_CLIENT_CERT',
      '_CONSUL_CLIENT_KEY',
      '_CONSUL_TLS_SERVER_NAME',
    ],
  },
  {
    title: 'What is written',
    names: [
      '_AMBASSADOR_TLS_SECRET_NAME',
      '_AMBASSADOR_TLS_SECRET_NAMESPACE',
      '_AMBASSADOR_SERVICE_NAME',
      '_AMBASSADOR_SERVICE_ENABLED',
      '_AMBASSADOR_TLS_CONTEXT_NAME',
      '_AMBASSADOR_API_VERSION',
      '_AMBASSADOR_VERIFY_UPSTREAM',
      '_AMBASSADOR_LABELS',
      '_AMBASSADOR_ANNOTATIONS',
      '_OUTPUT_DIR',
      '_OUTPUT_FILE_MODE',
      '_OUTPUT_FILE_OWNER',
      '_OUTPUT_FILE_GROUP',
      '_OUTPUT_EXTRA_FILES',
      '_OUTPUT_KEYSTORE_PASSWORD',
      '_OUTPUT_RELOAD_COMMAND',
      '_OUTPUT_RELOAD_SIGNAL',
      '_OUTPUT_RELOAD_PID_FILE',
    ],
  },
  {
    title: 'The process',
    names: ['_HTTP_HOST', '_HTTP_PORT', '_LOG_FORMAT', '_LOG_LEVEL'],
  },
];
