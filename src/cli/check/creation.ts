import type { ConnectorError } from '../../errors.ts';
import type { KubernetesClient, ObjectRef } from '../../publish/kubernetes/api/client.ts';
import { OPAQUE_SECRET_TYPE } from '../../publish/manifests.ts';
import { asConnectorError, fail, pass, type Row, type Subject, skip, warn } from './result.ts';

export const CREATION: Subject = { check: 'creation', what: 'limit on create' };

/** The part of an API server's error that names what denied the request at admission. */
const DENIAL = /(ValidatingAdmissionPolicy|admission webhook) ['"]([^'"]+)['"].* denied (?:the )?request/s;

/**
 * Whether the connector may create any Secret, which RBAC cannot limit by name. A dry run of a harmless Secret with another name
 * shows it, because admission applies to dry runs; the policy itself need not be read.
 */
export async function checkCreation(
  client: KubernetesClient,
  { namespace, name }: ObjectRef,
  signal: AbortSignal,
): Promise<Row> {
  const resource = 'secrets';
  try {
    if (await client.may({ verb: 'list', resource, namespace, name: '' }, signal))
      return skip(
        CREATION,
        `you may read every Secret in namespace ${namespace}: run check in the connector's Pod`,
      );
    const probe = { resource, namespace, name: `${name}-dry-run` } as const;
    const { name: another } = probe;
    const manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: OPAQUE_SECRET_TYPE,
      metadata: { name: another },
    };
    await client.tryCreate(probe, manifest, signal);
  } catch (error) {
    return refused(asConnectorError(error));
  }
  return warn(
    CREATION,
    `any Secret and any Service may be created in namespace ${namespace}`,
    'apply k8s/ambassador-consul-connector.yaml (Kubernetes 1.30 and newer), or k8s/overlays/no-create',
  );
}

function refused(error: ConnectorError): Row {
  if (error.code === 'KUBERNETES_FORBIDDEN')
    return pass(CREATION, 'nothing may be created: a deleted object must be recreated by hand');
  const [, kind, name] = DENIAL.exec(error.message) ?? [];
  if (name !== undefined) return pass(CREATION, `a Secret with another name is denied by ${kind} ${name}`);
  return fail(CREATION, error, 'warn');
}
