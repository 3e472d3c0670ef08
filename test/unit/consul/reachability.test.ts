import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { errorOfTransport } from '../../../src/consul/errors/transport.ts';
import { clientOf, getLeaf, serverOf, startConsul } from './clients.ts';

/** A Consul, and a connection to it from a Pod or from elsewhere. */
async function start(t: TestContext, inPod: boolean) {
  const consul = await startConsul(t);
  const connection = clientOf(t, { servers: [serverOf(consul)], inPod }).connect();
  return { consul, query: () => getLeaf(connection) };
}

for (const [cause, inPod, remedy] of [
  ['in a Pod the node may have no agent', true, /since Consul 1\.14/],
  ['elsewhere Consul may not be started', false, /^nothing listens there: start Consul, or set/],
] as const) {
  test(`C8: a refused connection before any answer: ${cause}`, async (t) => {
    const { consul, query } = await start(t, inPod);
    await consul.stop();
    await assert.rejects(query(), { code: 'CONSUL_UNREACHABLE', remedy });
  });

  test(`C8: a refused connection after an answer: Consul has stopped (${inPod ? 'in a Pod' : 'elsewhere'})`, async (t) => {
    const { consul, query } = await start(t, inPod);
    await query();
    await consul.stop();
    await assert.rejects(query());
    await assert.rejects(query(), {
      code: 'CONSUL_UNREACHABLE',
      remedy: /^Consul has answered there before: check that it runs/,
    });
  });
}

for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']) {
  test(`C8: only in a Pod the remedy of ${code} is about Kubernetes`, () => {
    const remedy = (inPod: boolean) => {
      const way = { url: 'http://consul:8500', tls: false, inPod, hasAnswered: false };
      return errorOfTransport(Object.assign(new Error(code), { code }), way).remedy ?? '';
    };
    const kubernetes = /Pod|\.svc|NetworkPolic/;
    assert.match(remedy(true), kubernetes);
    assert.doesNotMatch(remedy(false), kubernetes);
  });
}
