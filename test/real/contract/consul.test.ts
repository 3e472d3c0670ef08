import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { ConsulServers } from '../../contract/consul/servers.ts';
import { consulContract } from '../../contract/consul.ts';
import { type RealConsul, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { startAll } from '../../fixtures/servers/start-all.ts';
import { bearerToken, bindToService, createAuthMethod } from '../consul/jwt-login.ts';

const LOGIN = { authMethod: 'jwt', bearerToken: bearerToken(), service: 'logged-in' };

let agents: readonly RealConsul[] = [];
let servers: ConsulServers | undefined;

before(async () => {
  const [open, guarded, withoutConnect] = await startAll(
    startRealConsul(),
    startRealConsul({ acl: true }),
    startRealConsul({ connect: false }),
  );
  agents = [open, guarded, withoutConnect];
  await createAuthMethod(guarded, LOGIN.authMethod);
  await bindToService(guarded, LOGIN.authMethod, LOGIN.service);
  servers = {
    open: open.url,
    guarded: guarded.url,
    withoutConnect: withoutConnect.url,
    login: LOGIN,
    async rotate(crossSign) {
      await open.rotateRoot({ crossSign });
    },
    token: (service) => guarded.makeToken(`service "${service}" { policy = "write" }`),
    async revoke(token) {
      const { AccessorID } = await guarded.mustGet<{ AccessorID: string }>('/v1/acl/token/self', token);
      await guarded.mustDelete(`/v1/acl/token/${AccessorID}`);
    },
  };
});
after(() => Promise.all(agents.map((agent) => agent.stop())));

consulContract(() => {
  assert.ok(servers !== undefined, 'the agents have started');
  return servers;
});
