import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchOnce, ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { jsonAnswer } from '../../fixtures/consul/answer.ts';
import { connect, startConsul } from './clients.ts';

test('a list of 300 roots with their names and times is read', async (t) => {
  const consul = await startConsul(t);
  const root = (index: number) => ({ ID: `${index}`, Active: index === 0, RootCert: 'x'.repeat(1_400) });
  const Roots = Array.from({ length: 300 }, (_, index) => root(index));
  consul.script('roots', () => jsonAnswer({ ActiveRootID: '0', TrustDomain: 'a.consul', Roots }));

  const { value } = await fetchOnce(connect(t, consul), ROOTS_QUERY, 30_000, new AbortController().signal);

  assert.equal(value.roots.length, 300);
});
