import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import { ConsulClient } from '../../../src/consul/client.ts';
import { type CaLeaf, leafPath, leafQuery } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import type { ConsulAccess, ConsulTlsConfig } from '../../../src/consul/endpoint.ts';
import type { Lookup } from '../../../src/consul/servers.ts';
import { type ConsulError, describeError } from '../../../src/errors.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../../fixtures/consul/embedded-consul.ts';

const never = new AbortController().signal;
export const ANYWHERE = { namespace: undefined, partition: undefined, datacenter: undefined };

/** TLS with nothing configured. */
export const TLS: ConsulTlsConfig = {
  caFile: undefined,
  caFolder: undefined,
  certificateFile: undefined,
  keyFile: undefined,
  serverName: undefined,
  verify: true,
};

export async function startConsul(t: TestContext, options?: EmbeddedConsulOptions): Promise<EmbeddedConsul> {
  const consul = await startEmbeddedConsul(options);
  t.after(() => consul.close());
  return consul;
}

/** A client of `access`, by default with nothing configured but its servers. It is closed after the test. */
export function clientOf(
  t: TestContext,
  access: Pick<ConsulAccess, 'servers'> & Partial<ConsulAccess>,
  clock: Clock = systemClock,
  lookup?: Lookup,
): ConsulClient {
  const nothing = {
    tls: undefined,
    httpAuth: undefined,
    inPod: false,
    token: { kind: 'none' },
    scope: ANYWHERE,
    service: 'ambassador',
  } as const;
  const client = new ConsulClient({ ...nothing, ...access }, clock, lookup);
  t.after(() => client.close(100));
  return client;
}

export const serverOf = ({ host, port }: { host: string; port: number }) => ({ host, port });

/** A connection to `consul`. */
export function connect(t: TestContext, consul: EmbeddedConsul, clock?: Clock): Connection {
  return clientOf(t, { servers: [serverOf(consul)] }, clock).connect();
}

/** Requests the leaf once. */
export function getLeaf(connection: Connection, deadlineMs = 60_000, signal = never): Promise<ConsulAnswer> {
  return connection.get(leafPath('ambassador'), new URLSearchParams(), deadlineMs, signal);
}

/** The error that `work` ends with, as it is logged. */
export async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail('there was no error'),
    (error: unknown) => describeError(error),
  );
}

/** Queries the leaf until the test is over, and collects what the query reports. */
export function startQuery(t: TestContext, consul: EmbeddedConsul, clock: Clock = systemClock) {
  const answers: CaLeaf[] = [];
  const errors: ConsulError[] = [];
  const counts = { responses: 0, timeouts: 0 };
  const query = new BlockingQuery<CaLeaf>({
    connection: connect(t, consul, clock),
    query: leafQuery('ambassador'),
    waitMs: 50_000,
    clock,
    onChange: (leaf) => answers.push(leaf),
    onResponse: () => {
      counts.responses += 1;
    },
    onError: (error) => errors.push(error),
    onTimeout: () => {
      counts.timeouts += 1;
    },
  });
  const end = new AbortController();
  const ended = query.run(end.signal);
  t.after(() => {
    end.abort();
    return ended;
  });
  return { answers, errors, counts, refetch: () => query.refetch() };
}
