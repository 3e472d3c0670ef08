import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const path = (name: string): string =>
  fileURLToPath(new URL(`../../../k8s/monitoring/${name}`, import.meta.url));

/** The sed script in docs/monitoring.md for a Prometheus without an operator. */
export const RULES_OF = '1,/^spec:/d; s/^  //';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

/** The rule file that is inside the PrometheusRule. */
export function rulesText(): string {
  return execFileSync('sed', [RULES_OF, path('alerts.yaml')], { encoding: 'utf8' });
}

export function alertRules(): readonly AlertRule[] {
  const { groups }: Rules = parse(rulesText());
  return groups.flatMap(({ rules }) => rules);
}

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
  /** The interval of the scrapes, for Grafana. */
  readonly interval?: string;
  readonly datasource: { readonly type: string; readonly uid: string };
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly Target[];
}

interface Dashboard {
  readonly uid?: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(path('dashboard.json'), 'utf8'));
}

/** Every query of the dashboard with `All` chosen, by its panel or annotation. */
export function queries(): readonly { title: string; expr: string; legend: string }[] {
  const { panels, annotations } = dashboard();
  const all = [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat: legend }) => ({ title, expr, legend })),
    ),
    ...annotations.list.map(({ name: title, expr }) => ({ title, expr, legend: '' })),
  ];
  return all.map((query) => ({ ...query, expr: substitute(query.expr) }));
}

/** As Grafana does; `$__rate_interval` is at least four times the interval of the scrapes. */
export function substitute(expr: string): string {
  return expr.replaceAll(/\$(job|instance)\b/g, '.+').replaceAll('$__rate_interval', '20s');
}
