// Fails on a known vulnerability in a production dependency. A registry that does not offer the question is no failure,
// and is said: a mirror often does not.
import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
const report = readReport(stdout);
const counts = report?.metadata?.vulnerabilities;
if (counts === undefined) {
  console.log('not checked: this registry does not answer npm audit');
} else if (counts.total > 0) {
  console.error(`vulnerable: ${Object.keys(report.vulnerabilities).join(', ')} (npm audit says more)`);
  process.exitCode = 1;
} else {
  console.log('none is known');
}

function readReport(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
