import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';

/** The rules, one for each resource and name, without one right; of every name if `name` is not given. */
export function without<R extends PolicyRule>(
  rules: readonly R[],
  verb: string,
  resource: string,
  name?: string,
): R[] {
  const split = rules.flatMap((rule) =>
    rule.resources.flatMap((each) =>
      (rule.resourceNames ?? [undefined]).map((eachName) => {
        const isAffected =
          each === resource && (name === undefined || eachName === undefined || eachName === name);
        return {
          ...rule,
          resources: [each],
          ...(eachName === undefined ? {} : { resourceNames: [eachName] }),
          verbs: rule.verbs.filter((other) => !isAffected || other !== verb),
        };
      }),
    ),
  );
  return split.filter(({ verbs }) => verbs.length > 0);
}
