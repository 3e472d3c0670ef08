import { once } from 'node:events';
import { createServer } from 'node:http';
import { binary } from './binaries.ts';
import { accepts, freePort } from './ports.ts';
import { startProcess } from './process.ts';
import type { RealConsul } from './real-consul.ts';

export interface Sidecar {
  /** Where the mesh reaches the service: mutual TLS, and intentions are obeyed. */
  readonly publicPort: number;
  /** How many requests came through to the service. */
  requests(): number;
  output(): string;
  stop(): Promise<void>;
}

/** A little HTTP service that answers what it was asked, registered in Consul, behind Consul's own proxy. */
export async function startSidecar(consul: RealConsul, service: string): Promise<Sidecar> {
  let requests = 0;
  const echo = createServer((request, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ service, method: request.method, url: request.url, headers: request.headers }),
    );
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('the echo server has no port');

  const publicPort = await freePort();
  await consul.registerService({
    Name: service,
    Port: address.port,
    Connect: {
      SidecarService: {
        Port: publicPort,
        Proxy: { Config: { bind_address: '127.0.0.1' } },
        Checks: [{ Name: 'listening', TCP: `127.0.0.1:${publicPort}`, Interval: '10s' }],
      },
    },
  });
  const proxy = await startProcess(binary('CONSUL'), ['connect', 'proxy', '-sidecar-for', service], {
    ...process.env,
    CONSUL_HTTP_ADDR: consul.url,
    ...(consul.managementToken && { CONSUL_HTTP_TOKEN: consul.managementToken }),
  });
  await proxy.waitUntil(() => accepts(publicPort));

  return {
    publicPort,
    requests: () => requests,
    output: () => proxy.output(),
    async stop() {
      await proxy.stop();
      echo.closeAllConnections();
      await new Promise((resolve) => echo.close(resolve));
    },
  };
}
