import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { makeBed } from './support/bed.ts';
import { temporary } from './support/temporary.ts';

for (const name of ['oidc', 'azure', 'gcp']) {
  test(`S9: a kubeconfig with the auth-provider ${name} is refused with what to use instead`, async (t) => {
    const bed = await makeBed(t);
    const config = parse(readFileSync(bed.kubeconfig, 'utf8'));
    config.users[0].user = { 'auth-provider': { name, config: { 'id-token': 'an-id-token' } } };
    const path = join(temporary(), 'kubeconfig.yaml');
    writeFileSync(path, stringify(config));

    const checking = bed.start({ KUBECONFIG: path }, ['check']);
    const daemon = bed.start({ KUBECONFIG: path });
    const { code } = await checking.exited;

    assert.equal(code, 1);
    assert.match(
      checking.stdout,
      new RegExp(
        `^FAIL +reach Kubernetes +the auth-provider ${name} of the kubeconfig is not supported\n +-> .*users`,
        'm',
      ),
    );
    const line = await daemon.line(({ code: of }) => of === 'KUBERNETES_CONFIGURATION');
    assert.match(String(line['remedy']), /kubelogin/);
  });
}
