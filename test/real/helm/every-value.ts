/** Every value, except the objects of the Prometheus Operator, which the API server of the tests does not serve. */
export const EVERY_VALUE = {
  image: { digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  ambassadors: [
    { id: 'Edge.1', secretName: 'e', serviceName: 'e', tlsContextName: 'no', consulService: 'e' },
  ],
  verifyUpstream: true,
  publishedLabels: { team: 'gateways' },
  publishedAnnotations: { 'example.com/to': "a, 'b' <c>", note: '' },
  consul: {
    addresses: ['consul-1:8501', 'consul-2:8501'],
    datacenter: 'dc2',
    trustDomain: 'x.consul',
    tls: {
      enabled: true,
      serverName: 'server.dc1.consul',
      ca: { configMapName: 'consul-ca', key: 'ca.pem' },
      clientCertificate: { secretName: 'consul-client' },
    },
    httpAuth: { secretName: 'proxy', key: 'auth' },
    login: { authMethod: 'kubernetes-jwt', audience: 'consul', datacenter: 'dc1' },
  },
  replicas: 3,
  networkPolicy: { enabled: true, egress: [{ ports: [{ port: 3128 }] }] },
  logLevel: 'debug',
  env: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
  envFrom: [{ configMapRef: { name: 'more' } }],
  volumes: [{ name: 'more', emptyDir: {} }],
  volumeMounts: [{ name: 'more', mountPath: '/more' }],
  podLabels: { team: 'gateways' },
  podAnnotations: { 'example.com/note': 'none' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ operator: 'Exists' }],
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} },
  ],
  priorityClassName: 'system-cluster-critical',
};
