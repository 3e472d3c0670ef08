import { constants } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { RealConsul } from '../../test/fixtures/servers/real-consul.ts';
import { followIdentity } from './follow.ts';

/** The first handshake in which a client presented a certificate. */
export interface Sighting {
  readonly serialNumber: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** A service of the mesh that records the client certificates of its connections. */
export interface Witness {
  readonly port: number;
  readonly sightings: readonly Sighting[];
  stop(): Promise<void>;
}

export const WITNESS = 'witness';

/**
 * Serves with a leaf of its own, accepts the certificates that a root of the mesh has signed, and, unlike sidecars, resumes
 * no session: every request is a full handshake, in which the certificate is verified.
 */
export async function startWitness(consul: RealConsul): Promise<Witness> {
  const sightings: Sighting[] = [];
  const followed = await followIdentity(consul, WITNESS, () => server.setSecureContext(credentials()));
  const credentials = () => ({
    cert: followed.leaf.CertPEM,
    key: followed.leaf.PrivateKeyPEM,
    ca: followed.roots.Roots.map(({ RootCert }) => RootCert),
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

  return {
    port: address.port,
    sightings,
    async stop() {
      await followed.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
