import { parseArgs } from 'node:util';
import { parseGoDuration } from './duration.ts';
import { startEmbeddedConsul } from './embedded-consul.ts';

/**
 * The embedded Consul by hand:
 *
 *     npx tsx test/consul/main.ts --port 8500 --leaf-ttl 20s --rotate-every 25s
 */
const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8500' },
    'leaf-ttl': { type: 'string', default: '72h' },
    'rotate-every': { type: 'string' },
    'leaf-delay': { type: 'string', default: '1s' },
    'no-cross-sign': { type: 'boolean', default: false },
  },
});

const rotateEvery = values['rotate-every'];
const leafDelayMs = duration('leaf-delay', values['leaf-delay']);
const consul = await startEmbeddedConsul({
  host: values.host,
  port: Number(values.port),
  leafTtlMs: duration('leaf-ttl', values['leaf-ttl']),
});
console.log(`Consul at ${consul.url}, trust domain ${consul.trustDomain}, root ${consul.activeRoot.id}`);

const rotation =
  rotateEvery === undefined
    ? undefined
    : setInterval(() => void rotate(), duration('rotate-every', rotateEvery));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(rotation);
    void consul.close();
  });
}

async function rotate(): Promise<void> {
  const root = await consul.rotateRoot({ crossSign: !values['no-cross-sign'], leafDelayMs });
  console.log(`root ${root.id} is active; leaves follow in ${leafDelayMs} ms`);
}

function duration(option: string, text: string): number {
  const ms = parseGoDuration(text);
  if (ms !== undefined && ms >= 0) return ms;
  console.error(`--${option} ${text}: not a duration such as 20s or 72h`);
  process.exit(2);
}
