import { pass, type Row, warn } from '../result.ts';
import type { Resource } from './resource.ts';
import type { GatewaySide } from './side.ts';

const TLS_CONTEXTS = { check: 'gateway-tlscontexts', what: 'TLSContexts' };

/** Of two TLSContexts with one name, Emissary uses only one, and reports it only in its diagnostics. */
export function tlsContextRow(contexts: readonly Resource[], { tlsContext }: GatewaySide): Row {
  const same = contexts.filter(({ name }) => name === tlsContext).map(({ id }) => id);
  if (same.length === 0) return pass(TLS_CONTEXTS, `no other one is named ${tlsContext}`);
  return warn(
    TLS_CONTEXTS,
    `${same.join(', ')} has the same name as ours, ${tlsContext}: Ambassador uses only one of them`,
    'delete that resource, or set _AMBASSADOR_SERVICE_ENABLED=false to keep it and publish none',
  );
}
