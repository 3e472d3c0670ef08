import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import { ConsulClient } from '../../../src/consul/client.ts';
import { type CaLeaf, leafPath, leafQuery } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import type { ConsulAccess } from '../../../src/consul/endpoint.ts';
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

/** What a blocking query came to, as it comes. */
export interface Asking {
  readonly answers: CaLeaf[];
  readonly errors: ConsulError[];
  responses: number;
  silences: number;
  refetch(): void;
  stop(): Promise<void>;
}

export async function startConsul(t: TestContext, options?: EmbeddedConsulOptions): Promise<EmbeddedConsul> {
  const consul = await startEmbeddedConsul(options);
  t.after(() => consul.close());
  return consul;
}

/** A client of `access`, by default with nothing configured but its servers. It is closed when the test is over. */
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
export function connect(t: TestContext, consul: EmbeddedConsul, token?: string, clock?: Clock): Connection {
  const access = token === undefined ? {} : ({ token: { kind: 'value', token } } as const);
  return clientOf(t, { servers: [serverOf(consul)], ...access }, clock).connect();
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

/** Asks for the leaf until the test is over. */
export function ask(
  t: TestContext,
  consul: EmbeddedConsul,
  { clock = systemClock, waitMs = 50_000 } = {},
): Asking {
  const end = new AbortController();
  const asking: Asking = {
    answers: [],
    errors: [],
    responses: 0,
    silences: 0,
    refetch: () => query.refetch(),
    stop: () => {
      end.abort();
      return ended;
    },
  };
  const query = new BlockingQuery<CaLeaf>({
    connection: connect(t, consul, undefined, clock),
    query: leafQuery('ambassador'),
    waitMs,
    clock,
    onChange: (leaf) => asking.answers.push(leaf),
    onResponse: () => {
      asking.responses += 1;
    },
    onError: (error) => asking.errors.push(error),
    onTimeout: () => {
      asking.silences += 1;
    },
  });
  const ended = query.run(end.signal);
  t.after(() => asking.stop());
  return asking;
}

/** The `index` of each request, in order. */
export function indexes(consul: EmbeddedConsul): (string | null)[] {
  return consul.requests.map(({ query }) => query.get('index'));
}
