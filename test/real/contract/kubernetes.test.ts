import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { kubernetesContract } from '../../contract/kubernetes.ts';
import { type RealApiServer, startRealApiServer } from './api-server.ts';

let server: RealApiServer | undefined;

before(async () => {
  server = await startRealApiServer();
});
after(() => server?.stop());

kubernetesContract(() => {
  assert.ok(server !== undefined, 'the API server has started');
  return server;
});
