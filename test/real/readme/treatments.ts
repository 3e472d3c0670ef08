import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { yamlBlocks } from '../../unit/docs/pages.ts';
import { NAMESPACE, SECRET, SERVICE, serves } from '../world.ts';
import {
  addAuthMethod,
  administerConsul,
  installAmbassador,
  installConsulK8s,
  installPrometheusOperator,
  mayDoAll,
  mayDoLess,
  publishedAs,
  reachQotm,
  writeKustomization,
} from './preparations.ts';
import { type } from './shell.ts';
import type { Stage } from './stage.ts';

/** For a command that needs more than being typed and exiting with 0. */
interface Treatment {
  /** It is not typed, and why. */
  readonly notTyped?: string;
  readonly before?: (stage: Stage) => Promise<void> | void;
  /** Checks its results. */
  readonly after?: (stage: Stage) => Promise<void> | void;
  /** Undoes the preparation, also after a failure, for the commands that follow. */
  readonly restore?: (stage: Stage) => void;
  /** The command with the value for a name in capitals. */
  readonly fill?: (command: string, stage: Stage) => string | Promise<string>;
  readonly exit?: number;
  /** It does not end: Ctrl-C when it has printed this. */
  readonly until?: RegExp;
}

const NO_KUBELET =
  'needs a container, and nothing runs containers here: pod.ts runs the program in their place';
const NO_ENGINE =
  'no container engine and no registry here: test/real/image.test.ts builds and runs the Dockerfile';
const TOO_LONG = 'takes twenty minutes; test/soak/soak.test.ts is a minute of it';
const CI_RUNS_IT = 'CI runs it by itself, and this is a part of it';

const deployment = `deployment/${SERVICE}`;
const check = `${SERVICE} check`;
const kubectl = `kubectl -n ${NAMESPACE}`;

/** By the command as the page has it. One that is on no page fails test/unit/docs/commands.test.ts. */
export const TREATMENTS: Readonly<Record<string, Treatment>> = {
  // README.md
  'npm run demo': {
    // It takes a minute by default.
    before: ({ env }) => {
      env['DEMO_SECONDS'] = '5';
    },
    after: ({ printed }) => assert.match(printed, /In all: \d+ writes/),
  },
  [`_CONSUL_HOST=127.0.0.1 node dist/${SERVICE}.js check`]: { before: installAmbassador },
  [`node dist/${SERVICE}.js check | grep -v ^PASS`]: { before: mayDoLess, restore: mayDoAll },
  'docker build -t registry.example.com/ambassador-consul-connector:1.0.0 .': { notTyped: NO_ENGINE },
  'docker push registry.example.com/ambassador-consul-connector:1.0.0': { notTyped: NO_ENGINE },
  'kubectl apply -k ../connector': {
    before: writeKustomization,
    after: async (stage) => {
      const deployed = await stage.kubectl(['get', 'deployment', SERVICE, '-o', 'yaml']);
      assert.match(deployed, /image: registry\.example\.com\/ambassador-consul-connector:/);
      assert.match(deployed, /value: consul-server\.consul\.svc/);
      await stage.rollOut();
      assert.match(await publishedAs(stage), /\/svc\/ambassador$/);
    },
  },
  [`${kubectl} rollout status deployment ${SERVICE}`]: { notTyped: NO_KUBELET },
  [`${kubectl} logs ${deployment} -c check`]: { notTyped: NO_KUBELET },
  [`${kubectl} exec ${deployment} -- ${check}`]: { notTyped: NO_KUBELET },
  'consul intention create -allow ambassador qotm': {
    before: async ({ env, consul }) => {
      await consul.intend('deny', '*', '*');
      env['CONSUL_HTTP_ADDR'] = consul.url;
    },
    restore: ({ env }) => {
      delete env['CONSUL_HTTP_ADDR'];
    },
  },
  'kubectl apply -f k8s/examples/mapping.yaml': {
    after: async (stage) => assert.equal(await reachQotm(stage), 200),
  },
  'kubectl delete -k ../connector': {
    after: async (stage) => {
      await stage.endPod();
      assert.match(await publishedAs(stage), /\/svc\/ambassador$/, 'the Secret stays');
    },
  },
  'npm ci && npm test': { notTyped: CI_RUNS_IT },
  'npm run test:real': { notTyped: CI_RUNS_IT },
  'npm run dev': { until: /"msg":"published the identity"/ },

  // docs/configuration.md
  [`${SERVICE} render | kubectl diff -f -`]: {
    before: async (stage) => {
      await stage.kubectl(['apply', '-f', `${stage.cwd}/k8s/${SERVICE}.yaml`]);
      await stage.rollOut();
    },
    // There is a difference: the key is redacted.
    exit: 1,
    after: ({ printed }) => assert.match(printed, new RegExp(`${SECRET}`)),
  },
  'kubectl apply -k k8s/overlays/emissary': {
    before: async (stage) => void (await stage.kubectl(['create', 'namespace', 'emissary'])),
    after: async ({ kubectl, cwd }) => {
      const policy = ['validatingadmissionpolicy', `emissary.${SERVICE}`, '-o', 'yaml'];
      assert.match(await kubectl(['get', ...policy]), /serviceaccount:emissary:ambassador-consul-connector'/);
      // Helm, on the next page, adopts no object that kubectl created.
      await kubectl(['--namespace=emissary', 'delete', '-k', `${cwd}/k8s/overlays/emissary`]);
    },
  },

  // docs/install-with-helm.md
  [`kubectl -n emissary rollout status ${deployment}`]: { notTyped: NO_KUBELET },
  [`helm -n emissary test ${SERVICE} --logs`]: { notTyped: NO_KUBELET },
  [`helm upgrade --install ${SERVICE} charts/${SERVICE} --namespace emissary --values values.yaml`]: {
    before: ({ cwd }) => {
      const [values = ''] = yamlBlocks('docs/install-with-helm.md');
      writeFileSync(join(cwd, 'values.yaml'), values);
    },
    after: async ({ kubectl }) => {
      const deployed = await kubectl(['--namespace=emissary', 'get', 'deployment', SERVICE, '-o', 'yaml']);
      assert.match(deployed, /value: consul-k8s-auth-method/);
      assert.match(deployed, /image: registry\.example\.com\/ambassador-consul-connector:/);
    },
  },

  // docs/monitoring.md
  'kubectl apply -k k8s/monitoring': { before: installPrometheusOperator },
  [`${kubectl} port-forward ${deployment} 8080 &`]: { notTyped: NO_KUBELET },
  [`${kubectl} port-forward ${deployment} 8080`]: { notTyped: NO_KUBELET },
  'curl -s localhost:8080/readyz': { notTyped: NO_KUBELET },

  // docs/reaching-consul.md
  [`consul acl policy create -name ${SERVICE} -rules @k8s/examples/acl-policy.hcl`]: {
    before: administerConsul,
  },
  [`${kubectl} create secret generic ambassador-consul-token --from-literal=token=SECRET_ID`]: {
    fill: (command, { printed }) => {
      const [, secretId] = /^SecretID: +(\S+)$/m.exec(printed) ?? [];
      return command.replace('SECRET_ID', secretId ?? assert.fail(printed));
    },
  },
  'kubectl apply -k k8s/examples/token-in-a-secret': {
    after: async (stage) => void (await stage.rollOut(stage.strict.address)),
  },
  'consul acl auth-method list': { before: (stage) => addAuthMethod(stage, 'METHOD') },
  [`${kubectl} set env ${deployment} CONSUL_LOGIN_AUTH_METHOD=METHOD`]: {
    after: async (stage) => {
      const { logs } = await stage.rollOut(stage.strict.address);
      assert.equal(logs.find(({ msg }) => msg === 'starting')?.['token'], 'login');
    },
  },
  'consul tls cert create -client': {
    // The page expects the CA in the folder.
    before: async (stage) => assert.equal((await type('consul tls ca create', stage)).code, 0),
  },
  [`kubectl -n consul get secret consul-ca-cert -o jsonpath='{.data.tls\\.crt}' | base64 -d > consul-ca.crt`]:
    {
      before: installConsulK8s,
    },
  'kubectl apply -k k8s/examples/consul-k8s': {
    after: async (stage) => {
      const { host } = stage.strict.address;
      await stage.rollOut({ host, port: stage.strict.tls?.port ?? assert.fail('it has an HTTPS port') });
      assert.match(await publishedAs(stage), /\/svc\/ambassador-consul-connector$/);
    },
  },

  // docs/replicas.md
  [`kubectl kustomize k8s/overlays/replicas | sed 's,^apiVersion: policy/v1$,&beta1,' | kubectl apply -f -`]:
    {
      // The page has two commands, each for other versions of Kubernetes.
      fill: async (command, { kubectl }) =>
        (await serves(kubectl, 'policy/v1')) ? 'kubectl apply -k k8s/overlays/replicas' : command,
    },

  // docs/rotation.md
  'npm run soak -- --seconds 3000 --renewals 10000 --rotations 1000 --seed 1128 --speed 15': {
    notTyped: TOO_LONG,
  },

  // docs/troubleshooting.md
  [`${kubectl} logs ${deployment} | grep -E '"level":"(warn|error|fatal)"'`]: { notTyped: NO_KUBELET },
};
