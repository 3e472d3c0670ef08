import type { TestContext } from 'node:test';
import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import { ConsulClient } from '../../../src/consul/client.ts';
import { type CaLeaf, leafQuery } from '../../../src/consul/connect-ca.ts';
import type { ConsulError } from '../../../src/errors.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../../fixtures/consul/embedded-consul.ts';
import type { ConsulRequest } from '../../fixtures/consul/request.ts';

/** What a blocking query came to, as it comes. */
export interface Asking {
  readonly answers: CaLeaf[];
  readonly errors: ConsulError[];
  heard: number;
  silences: number;
  refetch(): void;
  stop(): Promise<void>;
}

export async function startConsul(t: TestContext, options?: EmbeddedConsulOptions): Promise<EmbeddedConsul> {
  const consul = await startEmbeddedConsul(options);
  t.after(() => consul.close());
  return consul;
}

/** A connection to `consul`, closed when the test is over. */
export function connect(t: TestContext, consul: EmbeddedConsul, token?: string, clock: Clock = systemClock) {
  const client = new ConsulClient(
    {
      servers: [{ host: consul.host, port: consul.port }],
      tls: undefined,
      httpAuth: undefined,
      inPod: false,
      token: token === undefined ? { kind: 'none' } : { kind: 'value', token },
      scope: { namespace: undefined, partition: undefined, datacenter: undefined },
      service: 'ambassador',
    },
    clock,
  );
  t.after(() => client.close(1_000));
  return client.connect();
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
    heard: 0,
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
      asking.heard += 1;
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
  return consul.requests.map((request: ConsulRequest) => request.query.get('index'));
}
