/** The settings that the gateway and its resources must match. */
export interface GatewaySide {
  /** The configured Ambassador ID; empty without one. */
  readonly ambassadorId: string;
  /** The name of the TLSContext in the annotation. */
  readonly tlsContext: string;
  /** Whether the connector publishes the Service with that annotation. */
  readonly serviceEnabled: boolean;
  /** The namespaces of the Secret and, if there is one, of the Service. */
  readonly namespaces: readonly string[];
  /** The labels of both. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether the connector has a token or a login, so that Consul has ACLs enabled. */
  readonly hasToken: boolean;
}

/** The ID of an Ambassador without a configured one. */
export const DEFAULT_ID = 'default';
