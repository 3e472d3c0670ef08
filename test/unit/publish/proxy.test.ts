import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFromEnvironment } from '../../../src/publish/kubernetes/api/proxy.ts';

const PROXY = 'http://proxy.example:3128';
const NAMED = 'https://kubernetes.example.com:6443';
const NUMBERED = 'https://10.96.0.1';
const V6 = 'https://[fd00::1]:6443';

// The rules of golang.org/x/net/http/httpproxy.
for (const [what, server, environment, expected] of [
  ['nothing is set', NAMED, {}, undefined],
  ['HTTPS_PROXY is set', NAMED, { HTTPS_PROXY: PROXY }, PROXY],
  ['https_proxy is set', NAMED, { https_proxy: PROXY }, PROXY],
  ['both are set', NAMED, { HTTPS_PROXY: PROXY, https_proxy: 'http://other' }, PROXY],
  ['HTTP_PROXY is set, for HTTPS', NAMED, { HTTP_PROXY: PROXY }, undefined],
  ['HTTP_PROXY is set, for HTTP', 'http://kubernetes.example.com', { HTTP_PROXY: PROXY }, PROXY],
  ['the proxy has no scheme', NAMED, { HTTPS_PROXY: 'proxy.example:3128' }, PROXY],
  ['the server is this machine', 'https://127.0.0.1:6443', { HTTPS_PROXY: PROXY }, undefined],
  ['the server is localhost', 'https://localhost:6443', { HTTPS_PROXY: PROXY }, undefined],
  ['the server is ::1', 'https://[::1]:6443', { HTTPS_PROXY: PROXY }, undefined],
  ['the name is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: 'kubernetes.example.com' }, undefined],
  ['a domain above it is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: 'a, example.com' }, undefined],
  ['a domain with a dot is listed', NAMED, { HTTPS_PROXY: PROXY, no_proxy: '.example.com' }, undefined],
  ['a domain with a star is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: '*.example.com' }, undefined],
  ['everything is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: '*' }, undefined],
  ['a name that ends the same is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: 'ample.com' }, PROXY],
  ['its port is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: 'example.com:6443' }, undefined],
  ['another port is listed', NAMED, { HTTPS_PROXY: PROXY, NO_PROXY: 'example.com:443' }, PROXY],
  ['the address is listed', NUMBERED, { HTTPS_PROXY: PROXY, NO_PROXY: '10.96.0.1' }, undefined],
  [
    'the address and its port are listed',
    NUMBERED,
    { HTTPS_PROXY: PROXY, NO_PROXY: '10.96.0.1:443' },
    undefined,
  ],
  ['the network is listed', NUMBERED, { HTTPS_PROXY: PROXY, NO_PROXY: '10.0.0.0/8' }, undefined],
  ['another network is listed', NUMBERED, { HTTPS_PROXY: PROXY, NO_PROXY: '192.168.0.0/16' }, PROXY],
  ['no network is listed', NUMBERED, { HTTPS_PROXY: PROXY, NO_PROXY: '10.0.0.0/99,x/8' }, PROXY],
  ['the address of version 6 is listed', V6, { HTTPS_PROXY: PROXY, NO_PROXY: 'fd00::1' }, undefined],
  ['the same with its port', V6, { HTTPS_PROXY: PROXY, NO_PROXY: '[fd00::1]:6443' }, undefined],
  ['the network of version 6 is listed', V6, { HTTPS_PROXY: PROXY, NO_PROXY: 'fd00::/8' }, undefined],
] satisfies [string, string, Record<string, string>, string | undefined][]) {
  test(`K10: the proxy for ${server} if ${what}`, () => {
    assert.equal(proxyFromEnvironment(server, environment), expected);
  });
}
