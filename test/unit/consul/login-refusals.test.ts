import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoginToken } from '../../../src/consul/login.ts';
import { ServerList } from '../../../src/consul/servers.ts';
import { ConsulTransport } from '../../../src/consul/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { jsonAnswer } from '../../fixtures/consul/answer.ts';
import { ANYWHERE, serverOf, startConsul } from './clients.ts';

const never = new AbortController().signal;

test('the refusal of a token that was replaced meanwhile does not affect the new one', async (t) => {
  const consul = await startConsul(t);
  let logins = 0;
  consul.script('acl', ({ path }) => {
    if (path !== '/v1/acl/login') return jsonAnswer({});
    logins += 1;
    return jsonAnswer({ SecretID: `session-${logins}` });
  });
  const bearerTokenFile = join(temporary(), 'token');
  await writeFile(bearerTokenFile, 'bearer-of-the-pod');
  const transport = new ConsulTransport({
    servers: new ServerList([serverOf(consul)]),
    clock: systemClock,
    tls: undefined,
    httpAuth: undefined,
    inPod: false,
  });
  const token = new LoginToken(
    { authMethod: 'kubernetes', bearerTokenFile, meta: {}, ...ANYWHERE },
    transport,
    systemClock,
  );
  t.after(() => token.close(100));
  const first = await token.current(never);

  await token.refused(first, 'ACL not found', never);
  const second = await token.current(never);
  const isAnotherAvailable = await token.refused(first, 'ACL not found', never);

  assert.deepEqual([first, second], ['session-1', 'session-2']);
  assert.equal(isAnotherAvailable, true);
  assert.equal(await token.current(never), 'session-2');
});
