/** What the gateway and its resources must not contradict. */
export interface GatewaySide {
  /** Of the Ambassador that is configured; empty without one. */
  readonly ambassadorId: string;
  /** The name of the TLSContext in the annotation. */
  readonly tlsContext: string;
  /** Whether the connector publishes it. */
  readonly serviceEnabled: boolean;
  /** Of the Secret, and of the Service where there is one. */
  readonly namespaces: readonly string[];
  /** Of both. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether Consul has been given a token, or a login: then its ACLs are on. */
  readonly hasToken: boolean;
}

/** The ID of an Ambassador that has none. */
export const DEFAULT_ID = 'default';
