export interface ServiceIdentity {
  readonly service: string;
  readonly trustDomain: string;
  readonly namespace?: string;
  readonly datacenter?: string;
}

/** `spiffe://<trust domain>/ns/default/dc/dc1/svc/<service>`, the service percent-encoded: a SAN is ASCII (RFC 5280). */
export function spiffeUri(identity: ServiceIdentity): string {
  const { service, trustDomain, namespace = 'default', datacenter = 'dc1' } = identity;
  return `spiffe://${trustDomain}/ns/${namespace}/dc/${datacenter}/svc/${encodeURIComponent(service)}`;
}
