import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quotaExceeded, webhookDenied } from '../fixtures/kubernetes/errors.ts';
import { type Bed, makeBed, NAMESPACE, SECRET } from './support/bed.ts';

const RECOVERS_WITHIN_MS = 40_000;
const target = { group: '', plural: 'secrets' };

describe('26: A write of the Secret that the API server refuses: unready with the reason, keeps trying, recovers when the cause goes', {
  concurrency: 2,
}, () => {
  for (const [what, refuse, mend, cause, remedy] of [
    [
      'namespace missing',
      (bed) => bed.cluster.setNamespace(NAMESPACE, 'missing'),
      (bed) => bed.cluster.setNamespace(NAMESPACE, 'Active'),
      /not found/,
      /kubectl get namespace ambassador/,
    ],
    [
      'namespace terminating',
      (bed) => bed.cluster.setNamespace(NAMESPACE, 'Terminating'),
      (bed) => bed.cluster.setNamespace(NAMESPACE, 'Active'),
      /being terminated/,
      /the namespace is being deleted/,
    ],
    [
      'quota exceeded',
      (bed) => void bed.cluster.script({ verb: 'create' }, quotaExceeded(target, SECRET)),
      (bed) => bed.cluster.clearScripts(),
      /exceeded quota/,
      /raise the ResourceQuota/,
    ],
    [
      'admission webhook refuses',
      (bed) => void bed.cluster.script({ verb: 'create' }, webhookDenied('policy.example.com', 'no')),
      (bed) => bed.cluster.clearScripts(),
      /policy\.example\.com/,
      /owner of that admission webhook/,
    ],
  ] satisfies [string, (bed: Bed) => void, (bed: Bed) => void, RegExp, RegExp][]) {
    test(what, async (t) => {
      const bed = await makeBed(t);
      refuse(bed);
      const daemon = bed.start();

      const failed = await daemon.line(
        ({ msg, error }) => msg === 'publishing failed, retrying' && cause.test(String(error)),
      );
      assert.match(String(failed['remedy']), remedy);
      await daemon.line(({ attempt }) => Number(attempt) >= 2);
      await daemon.unready(cause);
      const refused = await daemon.metric(
        'kubernetes_requests_total',
        'verb="create"',
        'outcome="KUBERNETES_',
      );
      assert.ok(refused >= 2, 'the metrics count it');
      assert.equal(bed.secret(), undefined);

      mend(bed);

      await daemon.ready(RECOVERS_WITHIN_MS);
      assert.match(bed.entry('tls.crt'), /^-----BEGIN CERTIFICATE-----/);
    });
  }
});
