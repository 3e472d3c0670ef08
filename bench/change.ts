import type { Stage } from './stage.ts';
import { type Subject, start } from './subject.ts';
import { type Measured, spreadOf } from './table.ts';
import { type ChangeOptions, changesInTurns } from './turns.ts';

interface Beside {
  readonly figure: string;
  readonly connector: { readonly stage: Stage; readonly subject: Subject };
  readonly baseline: { readonly stage: Stage; readonly subject: Subject };
}

/** Figure 2: from the change of Consul's answers to their publication. */
export async function measureChanges(
  { figure, connector, baseline }: Beside,
  options: ChangeOptions,
): Promise<Measured> {
  const [own, ofBaseline] = await changesInTurns(
    [connector, baseline].map(({ stage, subject }) => ({ stage, start: () => start(subject, stage.env) })),
    options,
  );
  return {
    figure: `${figure}, ${options.changes} times`,
    unit: 'ms',
    connector: spreadOf(own?.ms ?? []),
    baseline: spreadOf(ofBaseline?.ms ?? []),
  };
}
