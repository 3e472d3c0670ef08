import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DocumentedCommand, documentedCommands, READ_IN_ORDER } from './readme/commands.ts';
import { normalised } from './readme/same.ts';
import { type } from './readme/shell.ts';
import { type Stage, setUpStage } from './readme/stage.ts';
import { TREATMENTS } from './readme/treatments.ts';

let stage: Stage;
before(async () => {
  stage = await setUpStage();
});
after(() => stage?.stop());

for (const documented of READ_IN_ORDER.flatMap((page) => documentedCommands(page)))
  if (TREATMENTS[documented.command]?.notTyped === undefined)
    test(`${documented.page}: ${documented.command}`, () => follow(documented));

async function follow({ command, output }: DocumentedCommand): Promise<void> {
  const { before: prepare, after: verify, restore, fill, exit = 0, until } = TREATMENTS[command] ?? {};
  try {
    await prepare?.(stage);
    const { code, stdout, stderr } = await type((await fill?.(command, stage)) ?? command, stage, until);

    stage.printed = stdout;
    if (until === undefined) assert.equal(code, exit, `${stdout}${stderr}`);
    if (output !== undefined) assert.equal(normalised(stdout), normalised(output));
    await verify?.(stage);
  } finally {
    restore?.(stage);
  }
}
