import assert from 'node:assert/strict';

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env: readonly Variable[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  /** The kinds in the manifests. */
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string };
    readonly projected?: {
      readonly sources: readonly { readonly serviceAccountToken: { readonly path: string } }[];
    };
  }[];
}

/** The fields of the manifests that tests read. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly {
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
  /** Of a Pod, a Deployment or a policy. */
  readonly spec?: Partial<PodSpec> & {
    readonly template?: { readonly spec: PodSpec };
    readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  };
}

export function podSpecOf(object: KubernetesObject | undefined): PodSpec {
  return object?.spec?.template?.spec ?? assert.fail('it has no Pods');
}

export function containerOf(pod: PodSpec): Container {
  const [container] = pod.containers;
  return container ?? assert.fail('the Pod has no container');
}

/**
 * The variables but NODE_OPTIONS, whose flags are those of the image's Node.js: test/e2e/node-permissions.test.ts runs the
 * program with them.
 */
export function variablesOf({ env }: Container): Variable[] {
  return env.filter(({ name }) => name !== 'NODE_OPTIONS');
}

/** Those of them with a literal value. */
export function environmentOf(container: Container): Record<string, string> {
  return Object.fromEntries(
    variablesOf(container).flatMap(({ name, value }) =>
      // The kubelet replaces `$$(` by `$(`.
      value === undefined ? [] : [[name, value.replaceAll('$$(', '$(')]],
    ),
  );
}
