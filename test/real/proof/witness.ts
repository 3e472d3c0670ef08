import { constants } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { ConsulLeaf, ConsulRoots } from '../../fixtures/servers/consul-client.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import { follow } from './follow.ts';

/** The first handshake in which a client presented a certificate. */
export interface Sighting {
  readonly serialNumber: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** A service of the mesh that notes which client certificates it was shown. */
export interface Witness {
  readonly port: number;
  readonly sightings: readonly Sighting[];
  stop(): Promise<void>;
}

export const WITNESS = 'witness';

/**
 * Serves with a leaf of its own, lets in what a root of the mesh has signed, and resumes no session, which sidecars do:
 * every request is a full handshake, in which the certificate is verified.
 */
export async function startWitness(consul: RealConsul): Promise<Witness> {
  const sightings: Sighting[] = [];
  let leaf = await consul.leaf(WITNESS);
  let roots = await consul.roots();
  const credentials = () => ({
    cert: leaf.CertPEM,
    key: leaf.PrivateKeyPEM,
    ca: roots.Roots.map(({ RootCert }) => RootCert),
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  const options = { ...credentials(), requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.setHeader('connection', 'close');
    response.end(JSON.stringify({ service: WITNESS }));
  });
  server.on('secureConnection', (socket) => {
    const at = Date.now();
    const { serialNumber } = socket.getPeerX509Certificate() ?? {};
    if (serialNumber === undefined || sightings.some((each) => each.serialNumber === serialNumber)) return;
    sightings.push({ serialNumber, at });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the witness has no port');
  const stops = [
    follow<ConsulLeaf>(consul, `/v1/agent/connect/ca/leaf/${WITNESS}`, (answer) => {
      leaf = answer;
      server.setSecureContext(credentials());
    }),
    follow<ConsulRoots>(consul, '/v1/agent/connect/ca/roots', (answer) => {
      roots = answer;
      server.setSecureContext(credentials());
    }),
  ];

  return {
    port: address.port,
    sightings,
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
