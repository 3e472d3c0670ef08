import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsulError, IdentityError, PublishError } from '../../../src/errors.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  DAY,
  HOUR,
  listing,
  listRoot,
  NOW,
  newRoot,
  SECOND,
  TRUST_DOMAIN,
} from '../identity/support.ts';
import { Scene, textOf } from './support.ts';

const UNREACHABLE = new ConsulError('CONSUL_UNREACHABLE', 'Consul cannot be reached (ECONNREFUSED)', {
  remedy: 'see that Consul listens there',
});

const MISMATCH = new IdentityError('KEY_MISMATCH', 'the private key matches none of the certificates');
const FORBIDDEN = new PublishError('KUBERNETES_FORBIDDEN', 'get secrets a/b is forbidden', {
  remedy: 'add to the Role: verbs: ["get"]',
});

function titleOf(html: string): string {
  return /<h1>(.*)<\/h1>/.exec(html)?.[1] ?? '';
}

/** Publishes a leaf of a new root. */
const publish = async (scene: Scene): Promise<void> => scene.publish(await newRoot({ name: 'Consul CA 7' }));

interface State {
  readonly arrange: (scene: Scene) => void | Promise<void>;
  readonly title: string;
  readonly tone?: string;
  /** In the text of the page. */
  readonly shows: readonly RegExp[];
}

const STATES: Readonly<Record<string, State>> = {
  'before the first identity': {
    arrange: () => undefined,
    title: 'No identity yet',
    tone: 'wait',
    shows: [/cannot connect to the mesh\. Waiting for Consul and for Kubernetes\./],
  },
  'while what is published does not work': {
    arrange: async (scene) => {
      await publish(scene);
      scene.health.setUnpublished('the leaf expired 2030-01-15T12:00:00.000Z; nothing to publish yet');
    },
    title: 'No valid identity',
    tone: 'bad',
    shows: [/cannot connect to the mesh\. the leaf expired 2030/],
  },
  'while a good identity is published': {
    arrange: async (scene) => {
      await publish(scene);
      scene.at = NOW + 10 * HOUR;
    },
    title: 'Good',
    tone: 'good',
    shows: [
      /SPIFFE ID spiffe:\/\/\S+\/svc\/ambassador /,
      /Serial number [0-9a-f]+ /,
      /Issuer CN=Consul CA 7 /,
      new RegExp(`Trust domain ${TRUST_DOMAIN} `),
      /Ambassador ID edge /,
      /Consul service ambassador /,
      /Chains to CN=Consul CA 7 Trust domain/,
      /valid until 2030-01-19 16:00:00 UTC, in 3 d 18 h/,
    ],
  },
  'I1: with an intermediate that ends first': {
    arrange: async (scene) => {
      const root = await newRoot();
      const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
      await scene.publish(dying, bundleOf(root));
      scene.at = NOW + HOUR / 2;
    },
    title: 'Good',
    shows: [
      /valid until 2030-01-15 13:00:00 UTC, in 30 min/,
      /Expires 2030-01-15 13:00:00 UTC/,
      /Intermediate [^,]+, until 2030-01-15 13:00:00 UTC, in 30 min/,
    ],
  },
  'after a rotation with a cross-signed certificate': {
    arrange: async (scene) => {
      const [previous, active] = [await newRoot({ name: 'CA 7' }), await newRoot({ name: 'CA 8' })];
      const intermediates = [previous.crossSign(active)];
      const listed = listing(listRoot(active, { intermediates }), listRoot(previous));
      await scene.publish(active, buildTrustBundle(listed, NOW));
    },
    title: 'Good',
    shows: [/Chains to CN=CA 8, and by a cross-signed certificate to CN=CA 7 Trust domain/],
  },
  'while new roots wait for their leaf': {
    arrange: async (scene) => {
      const [old, young] = [await newRoot({ name: 'CA 1' }), await newRoot({ name: 'CA 2' })];
      const spent = await newRoot({ notAfter: new Date(NOW - DAY) });
      await scene.publish(old, bundleOf(old, young));
      const listed = listing(listRoot(young), listRoot(old), listRoot(spent));
      scene.health.setTrustBundle(buildTrustBundle(listed, NOW), NOW + 60 * SECOND);
    },
    title: 'Good',
    shows: [
      /CN=CA 2 active until 203\d-/,
      /CN=CA 1 still trusted until 203\d-/,
      /waits for the new leaf, until 2030-01-15 12:01:00 UTC, in 60 s at most/,
      /Left out: root .* expired 2030-01-14T12:00:00.000Z/,
    ],
  },
  'while Consul does not answer': {
    arrange: async (scene) => {
      await publish(scene);
      for (const seconds of [40, 50]) {
        scene.at = NOW + seconds * SECOND;
        for (const part of ['leaf', 'roots'] as const) scene.health.setProblem(part, UNREACHABLE);
      }
    },
    title: 'Good, but Consul does not answer',
    shows: [
      /The published identity is unchanged, and valid until/,
      /Consul: roots, leaf Consul cannot be reached \(ECONNREFUSED\) Remedy: see that Consul listens there Since 2030-01-15 12:00:40 UTC, 10 s ago; CONSUL_UNREACHABLE/,
      /^(?!.*Remedy:.*Remedy:)/,
      /Roots problem last answer 2030-01-15 12:00:00 UTC/,
      /Leaf problem last answer 2030-01-15 12:00:00 UTC/,
    ],
  },
  'while Consul refuses one query and closes the connection of the other': {
    arrange: async (scene) => {
      await publish(scene);
      scene.health.setProblem('roots', UNREACHABLE);
      const closed = 'Consul cannot be reached (the connection was closed)';
      const remedy = 'see that Consul runs';
      scene.health.setProblem('leaf', new ConsulError('CONSUL_UNREACHABLE', closed, { remedy }));
    },
    title: 'Good, but Consul does not answer',
    shows: [
      /Consul: roots, leaf Consul cannot be reached \(ECONNREFUSED\)/,
      /^(?!.*CONSUL_UNREACHABLE.*CONSUL_UNREACHABLE)/,
    ],
  },
  'once Consul answers again, with stale roots': {
    arrange: async (scene) => {
      await publish(scene);
      scene.health.setProblem('roots', UNREACHABLE);
      scene.health.clearProblem('roots');
      scene.health.recordAnswer('roots', 30);
    },
    title: 'Good',
    shows: [/Roots ok last answer now stale by 30 s 2030/, /Leaf ok last answer now 2030/],
  },
  'while a candidate is rejected': {
    arrange: async (scene) => {
      await publish(scene);
      const { message, code, remedy } = MISMATCH;
      scene.health.setProblem('candidate', MISMATCH);
      scene.eventLog.record({ reason: 'Rejected', at: NOW, message, code, remedy });
    },
    title: 'Good, but Consul’s leaf is rejected',
    shows: [
      /Sent by Consul: leaf the private key matches .* Remedy: restart the Consul agent/,
      /Rejected, and other warnings 2030-01-15 12:00:00 UTC, now the private key matches none of the certificates KEY_MISMATCH Remedy: /,
    ],
  },
  'while Kubernetes forbids the Secret': {
    arrange: (scene) => scene.health.setProblem('identity', FORBIDDEN),
    title: 'No identity yet',
    tone: 'bad',
    shows: [
      /Publishing: identity get secrets .* Remedy: add to the Role: verbs: \["get"\]/,
      /Secret problem/,
    ],
  },
  'while a watch is refused': {
    arrange: async (scene) => {
      await publish(scene);
      scene.health.setProblem('watch secrets a/b', FORBIDDEN);
      assert.equal(scene.health.readiness().ok, true);
    },
    title: 'Good, but the objects cannot be watched',
    shows: [/Kubernetes: watch secrets a\/b get secrets .* Remedy: add/, /API server problem last answer/],
  },
};

for (const [when, { arrange, title, tone, shows }] of Object.entries(STATES)) {
  test(`${when} the page is headed "${title}"`, async () => {
    const scene = new Scene();
    await arrange(scene);
    const html = scene.render();
    assert.equal(titleOf(html), title);
    if (tone !== undefined) assert.match(html, new RegExp(`class="overall ${tone}"`));
    for (const part of shows) assert.match(textOf(html), part);
  });
}

for (const [hours, over, title, tone, now] of [
  [0, 0, 'Good', 'good', '0%'],
  [69, 69, 'Good', 'good', '69%'],
  [71, 71, 'Good, renewal is due', 'good', '71%'],
  [91, 91, 'About to expire', 'bad', '91%'],
  [100, 100, 'Expired', 'bad', '100%'],
  [150, 100, 'Expired', 'bad', '100%'],
] as const) {
  test(`the page shows a leaf of 100 h after ${hours} h as "${title}"`, async () => {
    const scene = new Scene();
    await scene.publish(await newRoot());
    scene.at = NOW + hours * HOUR;

    const html = scene.render();

    assert.equal(titleOf(html), title);
    assert.match(html, new RegExp(`class="overall ${tone}"`));
    assert.match(html, new RegExp(`<line class="now" x1="${now}" x2="${now}"`));
    assert.match(html, new RegExp(`<rect class="over" x="0%" y="22" width="${now}"`));
    assert.match(html, new RegExp(`aria-label="${over} % of the lifetime has passed: `));
    assert.match(html, /<line class="tick" x1="70%".*<line class="tick" x1="90%"/s);
    assert.match(textOf(html), /Renewal from 2030-01-18 10:00:00 UTC.*Unready from 2030-01-19 06:00:00 UTC/);
  });
}

test('the page lists the objects, or the folder, with the commands to show them', () => {
  const objects = {
    kind: 'kubernetes',
    server: 'https://kubernetes.example:6443',
    secret: { namespace: 'gateways', name: 'edge-consul-connect' },
    upstreamCaSecret: { namespace: 'gateways', name: 'edge-consul-connect-ca' },
    service: { namespace: 'default', name: 'edge-consul-connector' },
  } as const;

  const inKubernetes = new Scene({ target: objects }).text();
  const inFolder = new Scene({ target: { kind: 'directory', directory: "/srv/it's" } }).text();

  for (const object of ['secret edge-consul-connect', 'secret edge-consul-connect-ca'])
    assert.ok(inKubernetes.includes(`kubectl -n gateways describe ${object}`), object);
  assert.ok(inKubernetes.includes('kubectl -n default describe service edge-consul-connector'));
  assert.match(inFolder, /Folder \/srv\/it's Files waiting/);
  assert.ok(inFolder.includes(`ls -lA '/srv/it'\\''s'`), inFolder);
  assert.ok(inFolder.includes(`_OUTPUT_DIR='/srv/it'\\''s'`), inFolder);
  assert.doesNotMatch(inFolder, /kubectl|Kubernetes https/);
});

test('the page shows the five newest writes, including adopted Secrets', () => {
  const scene = new Scene();
  for (let nth = 1; nth <= 7; nth += 1) {
    scene.eventLog.record({ reason: 'Published', at: NOW + nth, message: `renewal-due: the ${nth}th` });
  }
  scene.eventLog.record({ reason: 'Adopted', at: NOW + 5.5, message: 'adopted secrets a/b' });
  const order = [...scene.text().matchAll(/the \dth|adopted/g)].map(([found]) => found);
  assert.deepEqual(order, ['the 7th', 'the 6th', 'adopted', 'the 5th', 'the 4th']);
});

test('every section of the page has a name, and every id is unique', async () => {
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
