import { readFile } from 'node:fs/promises';

/** A write as the API server's own audit log tells it. */
export interface AuditedWrite {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly code: number;
  /** When the API server answered, in milliseconds since the epoch. */
  readonly at: number;
}

/** Logs writes of the two kinds that the connector owns, without their contents. */
export const AUDIT_POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
    resources: [{ group: "", resources: [secrets, services] }]
  - level: None
`;

interface AuditEvent {
  readonly stageTimestamp: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef: { readonly resource: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code: number };
}

export async function readWrites(auditLog: string): Promise<AuditedWrite[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { stageTimestamp, verb, user, objectRef, responseStatus }: AuditEvent = JSON.parse(line);
    const { resource, namespace = '', name = '' } = objectRef;
    const code = responseStatus?.code ?? 0;
    return { verb, resource, namespace, name, user: user.username, code, at: Date.parse(stageTimestamp) };
  });
}
