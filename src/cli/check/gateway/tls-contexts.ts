import { pass, type Row, warn } from '../result.ts';
import type { Resource } from './resource.ts';
import type { GatewaySide } from './side.ts';

const TLS_CONTEXTS = { check: 'gateway-tlscontexts', what: 'TLSContexts' };

/** Emissary uses one of two TLSContexts of one name, and says so in its diagnostics alone. */
export function tlsContextRow(contexts: readonly Resource[], { tlsContext }: GatewaySide): Row {
  const same = contexts.filter(({ name }) => name === tlsContext).map(({ id }) => id);
  if (same.length === 0) return pass(TLS_CONTEXTS, `none but ours is named ${tlsContext}`);
  return warn(
    TLS_CONTEXTS,
    `${same.join(', ')} is named as ours, ${tlsContext}: Ambassador uses one of them`,
    'delete that resource, or set _AMBASSADOR_SERVICE_ENABLED=false to keep it and publish none',
  );
}
