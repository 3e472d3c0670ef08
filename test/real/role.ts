import { SERVICE, type World } from './world.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export async function rulesOf({ kubectl }: World): Promise<readonly Rule[]> {
  return JSON.parse(await kubectl(['get', 'role', SERVICE, '-o', 'json'])).rules;
}

/** Replaces the rules of the connector's Role. */
export async function setRules({ kubectl }: World, rules: readonly Rule[]): Promise<void> {
  const patch = JSON.stringify({ rules: rules.filter(({ verbs }) => verbs.length > 0) });
  await kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', patch]);
}

/** The rules, one for each resource and name, without one right; of every name if `name` is not given. */
export function without(rules: readonly Rule[], verb: string, resource: string, name?: string): Rule[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    resources.flatMap((each) =>
      (resourceNames ?? [undefined]).map((eachName) => {
        const names = eachName === undefined ? {} : { resourceNames: [eachName] };
        const isAffected =
          each === resource && (name === undefined || eachName === undefined || eachName === name);
        return {
          apiGroups,
          resources: [each],
          ...names,
          verbs: verbs.filter((v) => !isAffected || v !== verb),
        };
      }),
    ),
  );
}
