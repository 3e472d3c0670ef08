import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { consulContract } from '../../contract/consul.ts';
import { handOutToken } from '../../e2e/support/secrets.ts';
import { startEmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';

const LOGIN = { authMethod: 'jwt', bearerToken: 'a-bearer-token', service: 'logged-in' };

const [open, guarded, withoutConnect] = await Promise.all([
  startEmbeddedConsul(),
  startEmbeddedConsul({
    acl: { tokens: {}, logins: { [LOGIN.authMethod]: { [LOGIN.bearerToken]: LOGIN.service } } },
  }),
  startEmbeddedConsul({ connect: false }),
]);
after(() => Promise.all([open, guarded, withoutConnect].map((consul) => consul.close())));

consulContract(() => ({
  open: open.url,
  guarded: guarded.url,
  withoutConnect: withoutConnect.url,
  login: LOGIN,
  async rotate(crossSign) {
    await open.rotateRoot({ crossSign, leafDelayMs: 300 });
  },
  async token(service) {
    const token = handOutToken(randomUUID());
    guarded.addToken(token, { serviceWrite: [service] });
    return token;
  },
  revoke: async (token) => guarded.revoke(token),
}));
