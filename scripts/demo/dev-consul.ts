import { startEmbeddedConsul } from '../../test/fixtures/consul/embedded-consul.ts';
import { findProgram } from './find-program.ts';
import { startRealConsul } from './real-consul.ts';

/** A Consul for development: a real agent, or the embedded one. */
export interface DevConsul {
  readonly kind: 'real' | 'embedded';
  /** Which one, and why, for the user. */
  readonly description: string;
  readonly host: string;
  readonly port: number;
  /** Replaces the root of the mesh; the leaves follow. */
  rotateRoot(): Promise<void>;
  stop(): Promise<void>;
}

export interface DevConsulOptions {
  /** 0 selects a free one. */
  readonly port: number;
  /** The TTL of the embedded one's leaves; a real Consul accepts no less than an hour. */
  readonly leafTtlMs: number;
  /** How long the embedded one returns old leaves after a rotation. */
  readonly leafDelayMs: number;
  /** Do not look for `consul` in PATH. */
  readonly embedded: boolean;
}

/** Starts `consul` from PATH if there is one that starts, otherwise the embedded Consul. */
export async function startDevConsul(options: DevConsulOptions): Promise<DevConsul> {
  const program = options.embedded ? undefined : findProgram('consul');
  if (program === undefined) {
    return embeddedConsul(options, options.embedded ? 'as requested' : 'no `consul` in PATH');
  }
  try {
    return await startRealConsul(program, options.port);
  } catch (error) {
    return embeddedConsul(options, error instanceof Error ? error.message : String(error));
  }
}

async function embeddedConsul(options: DevConsulOptions, because: string): Promise<DevConsul> {
  const { port, leafTtlMs, leafDelayMs } = options;
  const consul = await startEmbeddedConsul({ port, leafTtlMs });
  return {
    kind: 'embedded',
    description: `the embedded development Consul (${because})`,
    host: consul.host,
    port: consul.port,
    rotateRoot: async () => {
      await consul.rotateRoot({ leafDelayMs });
    },
    stop: () => consul.close(),
  };
}
