import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConsulError, IdentityError, PublishError } from '../../../src/errors.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import { bundleOf, DAY, HOUR, listing, listRoot, NOW, newRoot, SECOND } from '../identity/support.ts';
import { Scene, textOf } from './support.ts';

const UNREACHABLE = new ConsulError('CONSUL_UNREACHABLE', 'Consul cannot be reached (ECONNREFUSED)', {
  remedy: 'see that Consul listens there',
});

function titleOf(html: string): string {
  return /<h1>(.*)<\/h1>/.exec(html)?.[1] ?? '';
}

describe('The status page', () => {
  test('waits for an identity, and says what for', () => {
    const scene = new Scene();

    const html = scene.render();

    assert.equal(titleOf(html), 'No identity yet');
    assert.match(html, /class="standing wait"/);
    assert.match(textOf(html), /cannot speak in the mesh\. Waiting for Consul and for Kubernetes\./);
    assert.doesNotMatch(html, /<svg/);
  });

  test('says why what is published does not work', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());

    scene.health.setUnpublished('the leaf expired 2030-01-15T12:00:00.000Z; nothing to publish yet');

    const html = scene.render();
    assert.equal(titleOf(html), 'No identity that works');
    assert.match(html, /class="standing bad"/);
    assert.match(textOf(html), /cannot speak in the mesh\. the leaf expired 2030/);
  });

  test('I1: counts the lifetime to the end of the intermediate that ends first', async () => {
    const scene = new Scene();
    const root = await newRoot();
    const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
    await scene.publish(dying, bundleOf(root));

    scene.at = NOW + HOUR / 2;
    const good = scene.text();
    scene.at = NOW + 0.95 * HOUR;
    const late = scene.text();

    assert.match(good, /works until 2030-01-15 13:00:00 UTC, in 30 min/);
    assert.match(good, /Expires 2030-01-15 13:00:00 UTC/);
    assert.match(good, /Intermediate [^,]+, until 2030-01-15 13:00:00 UTC, in 30 min/);
    assert.match(late, /About to expire/);
  });

  test('says which identity is published, for whom and by which CA, until when', async () => {
    const scene = new Scene();
    const root = await newRoot({ name: 'Consul CA 7' });
    await scene.publish(root);
    scene.at = NOW + 10 * HOUR;

    const html = scene.render();
    const text = textOf(html);

    assert.equal(titleOf(html), 'Good');
    assert.match(html, /class="standing good"/);
    const { published } = scene.health.snapshot();
    assert.ok(published);
    for (const part of [
      `SPIFFE ID ${published.spiffeId.uri}`,
      `Serial number ${published.leaf.x509.serialNumber.toLowerCase()}`,
      'Issuer CN=Consul CA 7',
      `Trust domain ${published.spiffeId.trustDomain}`,
      'Ambassador ID edge',
      'Consul service ambassador',
      'works until 2030-01-19 16:00:00 UTC, in 3 d 18 h',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.match(html, /<time datetime="2030-01-19T16:00:00\.000Z">/);
  });

  test('after a rotation names the active root first, and the older one to which a cross-signed certificate leads', async () => {
    const [previous, active] = await Promise.all([
      newRoot({ name: 'Consul CA 7' }),
      newRoot({ name: 'Consul CA 8' }),
    ]);
    const intermediates = [previous.crossSign(active)];
    const bundle = buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);
    const scene = new Scene();

    await scene.publish(previous, bundle);
    assert.match(scene.text(), /Chains to CN=Consul CA 7 Trust domain/);

    await scene.publish(active, bundle);
    assert.match(
      scene.text(),
      /Chains to CN=Consul CA 8, and by a cross-signed certificate to CN=Consul CA 7 Trust domain/,
    );
  });

  for (const [hours, over, title, tone, now] of [
    [0, 0, 'Good', 'good', '0%'],
    [69, 69, 'Good', 'good', '69%'],
    [71, 71, 'Good, renewal is due', 'good', '71%'],
    [91, 91, 'About to expire', 'bad', '91%'],
    [100, 100, 'Expired', 'bad', '100%'],
    [150, 100, 'Expired', 'bad', '100%'],
  ] as const) {
    test(`shows a leaf of 100 h after ${hours} h as "${title}"`, async () => {
      const scene = new Scene();
      await scene.publish(await newRoot());
      scene.at = NOW + hours * HOUR;

      const html = scene.render();

      assert.equal(titleOf(html), title);
      assert.match(html, new RegExp(`class="standing ${tone}"`));
      assert.match(html, new RegExp(`<line class="now" x1="${now}" x2="${now}"`));
      assert.match(html, new RegExp(`<rect class="over" x="0%" y="22" width="${now}"`));
      assert.match(html, new RegExp(`aria-label="${over} % of the lifetime is over: `));
      assert.match(html, /<line class="tick" x1="70%".*<line class="tick" x1="90%"/s);
      assert.match(
        textOf(html),
        /Renewal from 2030-01-18 10:00:00 UTC.*Unready from 2030-01-19 06:00:00 UTC/,
      );
    });
  }

  test('says that Consul does not answer once for both queries, with the remedy and the last answers', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    scene.at = NOW + 40 * SECOND;
    for (const part of ['leaf', 'roots'] as const) scene.health.setProblem(part, UNREACHABLE);
    scene.at = NOW + 50 * SECOND;
    for (const part of ['leaf', 'roots'] as const) scene.health.setProblem(part, UNREACHABLE);

    const text = scene.text();

    assert.equal(titleOf(scene.render()), 'Good, but Consul does not answer');
    assert.match(text, /What is published stays as it is, and works until/);
    assert.match(
      text,
      /Consul: roots, leaf Consul cannot be reached \(ECONNREFUSED\) Remedy: see that Consul listens there Since 2030-01-15 12:00:40 UTC, 10 s ago; CONSUL_UNREACHABLE/,
    );
    assert.equal(text.split('Remedy:').length, 2);
    assert.match(text, /Roots problem last answer 2030-01-15 12:00:00 UTC/);
    assert.match(text, /Leaf problem last answer 2030-01-15 12:00:00 UTC/);

    for (const part of ['leaf', 'roots'] as const) scene.health.clearProblem(part);
    assert.equal(titleOf(scene.render()), 'Good');
  });

  test('is one card where Consul refuses one query and closed the connection of the other', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    scene.health.setProblem('roots', UNREACHABLE);
    scene.health.setProblem(
      'leaf',
      new ConsulError('CONSUL_UNREACHABLE', 'Consul cannot be reached (the connection was closed)', {
        remedy: 'see that Consul runs',
      }),
    );

    assert.match(scene.text(), /Consul: roots, leaf Consul cannot be reached \(ECONNREFUSED\)/);
    assert.equal(scene.text().split('CONSUL_UNREACHABLE').length, 2);
  });

  test('says how old stale roots are', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());

    scene.health.recordAnswer('roots', 30);

    assert.match(scene.text(), /Roots ok last answer now stale by 30 s 2030/);
    assert.match(scene.text(), /Leaf ok last answer now 2030/);
  });

  test('says why a candidate is refused, now and before, with the remedy', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    const error = new IdentityError('KEY_MISMATCH', 'the private key belongs to none of the certificates');
    scene.health.setProblem('candidate', error);
    scene.eventLog.record({
      reason: 'Rejected',
      at: NOW,
      message: error.message,
      code: error.code,
      remedy: error.remedy,
    });

    const html = scene.render();

    assert.equal(titleOf(html), 'Good, but Consul’s leaf is refused');
    assert.match(
      textOf(html),
      /Sent by Consul: leaf the private key belongs .* Remedy: restart the Consul agent/,
    );
    assert.match(
      textOf(html),
      /Rejected, and other warnings 2030-01-15 12:00:00 UTC, now the private key belongs to none of the certificates KEY_MISMATCH Remedy: /,
    );

    scene.health.clearProblem('candidate');
    assert.equal(titleOf(scene.render()), 'Good');
  });

  test('names every root, which one is active, which are left out, and until when new ones wait', async () => {
    const scene = new Scene();
    const [old, young, spent] = await Promise.all([
      newRoot({ name: 'Consul CA 1' }),
      newRoot({ name: 'Consul CA 2' }),
      newRoot({ name: 'Consul CA 0', notAfter: new Date(NOW - DAY) }),
    ]);
    await scene.publish(old, bundleOf(old, young));
    const bundle = buildTrustBundle(listing(listRoot(young), listRoot(old), listRoot(spent)), NOW);
    scene.health.setTrustBundle(bundle, NOW + 60 * SECOND);

    const text = scene.text();

    assert.match(text, /CN=Consul CA 2 active until 203\d-/);
    assert.match(text, /CN=Consul CA 1 still trusted until 203\d-/);
    assert.match(text, /waits for the new leaf, until 2030-01-15 12:01:00 UTC, in 60 s at most/);
    assert.match(text, /Left out: root .* expired 2030-01-14T12:00:00.000Z/);
  });

  test('says what Kubernetes forbids, with the rule that is missing', async () => {
    const scene = new Scene();
    scene.health.setProblem(
      'identity',
      new PublishError('KUBERNETES_FORBIDDEN', 'get secrets gateways/edge-consul-connect is forbidden', {
        remedy: 'add to the Role: verbs: ["get"]',
      }),
    );

    const html = scene.render();

    assert.equal(titleOf(html), 'No identity yet');
    assert.match(html, /class="standing bad"/);
    assert.match(
      textOf(html),
      /Publishing: identity get secrets .* Remedy: add to the Role: verbs: \["get"\]/,
    );
    assert.match(textOf(html), /Secret problem/);
  });

  test('says that a watch is refused while what is published is good', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    const refusal = new PublishError('KUBERNETES_FORBIDDEN', 'watch secrets a/b is forbidden', {
      remedy: 'r',
    });
    scene.health.setProblem('watch secrets a/b', refusal);

    assert.equal(titleOf(scene.render()), 'Good, but it cannot be watched');
    assert.match(scene.text(), /Kubernetes: watch secrets a\/b watch secrets a\/b is forbidden Remedy: r/);
    assert.match(scene.text(), /API server problem last answer/);
    assert.equal(scene.health.readiness().ok, true);
  });

  test('names the objects with the commands to see them', () => {
    const scene = new Scene({
      target: {
        kind: 'kubernetes',
        server: 'https://kubernetes.example:6443',
        secret: { namespace: 'gateways', name: 'edge-consul-connect' },
        upstreamCaSecret: { namespace: 'gateways', name: 'edge-consul-connect-ca' },
        service: { namespace: 'default', name: 'edge-consul-connector' },
      },
    });

    for (const command of [
      'kubectl -n gateways describe secret edge-consul-connect',
      'kubectl -n gateways describe secret edge-consul-connect-ca',
      'kubectl -n default describe service edge-consul-connector',
    ]) {
      assert.ok(scene.text().includes(command), command);
    }
  });

  test('names the folder, quoted for a shell where it must be', () => {
    const scene = new Scene({ target: { kind: 'directory', directory: "/srv/it's" } });

    const text = scene.text();

    assert.match(text, /Folder \/srv\/it's Files waiting/);
    assert.ok(text.includes(`ls -lA '/srv/it'\\''s'`), text);
    assert.ok(text.includes(`_OUTPUT_DIR='/srv/it'\\''s'`), text);
    assert.doesNotMatch(text, /kubectl|Kubernetes https/);
  });

  test('shows the five newest writes, of adopted Secrets too', () => {
    const scene = new Scene();
    for (let nth = 1; nth <= 7; nth += 1) {
      scene.eventLog.record({ reason: 'Published', at: NOW + nth, message: `renewal-due: the ${nth}th` });
    }
    scene.eventLog.record({ reason: 'Adopted', at: NOW + 5.5, message: 'adopted secrets a/b' });

    const order = [...scene.text().matchAll(/the \dth|adopted/g)].map(([found]) => found);

    assert.deepEqual(order, ['the 7th', 'the 6th', 'adopted', 'the 5th', 'the 4th']);
  });

  test('gives every section a name, and no id twice', async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    scene.health.setProblem('leaf', UNREACHABLE);
    const html = scene.render();

    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const labels = [...html.matchAll(/ aria-labelledby="([^"]+)"/g)].map(([, id]) => id);

    assert.equal(new Set(ids).size, ids.length);
    assert.ok(labels.length >= 5);
    for (const label of labels) assert.ok(ids.includes(label), label);
    assert.equal(
      html.match(/<section/g)?.length,
      labels.length + 1,
      'and the problems have a label of their own',
    );
  });
});
