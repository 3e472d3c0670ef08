import { Connector, type ConnectorOptions, type ConnectorReporter } from '../../src/connector/connector.ts';
import { ANYWHERE } from '../../src/identity/spiffe-id.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { SERVICE } from './consul-model.ts';

const UNREPORTED: ConnectorReporter = {
  heartbeat: () => undefined,
  queryAnswered: () => undefined,
  queryTimedOut: () => undefined,
  queryFailed: () => undefined,
  permissionMissing: () => undefined,
  reconciled: () => undefined,
  reconcileFailed: () => undefined,
  strayKeys: () => undefined,
};

/** A connector of the service, by default on the system's clock and without reports. */
export function newConnector(
  options: Pick<ConnectorOptions, 'consul' | 'publisher'> & Partial<ConnectorOptions>,
): Connector {
  return new Connector({
    service: SERVICE,
    scope: ANYWHERE,
    verifiesUpstream: false,
    waitMs: 1_000,
    clock: systemClock,
    reporter: UNREPORTED,
    ...options,
  });
}
