// Usage: count.mjs <vitest report> <exit code of npm test> <gates passed> <gates failed>
// Prints the closing line of .ci/run and exits non-zero if anything failed.
import { existsSync, readFileSync } from 'node:fs';

const [path, testExit, gatesPassed, gatesFailed] = process.argv.slice(2);
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, testResults = [] } = report ?? {};

// A file that fails before its first test counts as one failure.
const brokenFiles = testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
);
for (const { name } of brokenFiles) console.log(`broken test file: ${name}`);
let failedTests = numFailedTests + brokenFiles.length;
// An error outside every test, or no report at all.
if (failedTests === 0 && (testExit !== '0' || report === undefined)) failedTests = 1;

console.log(`gates: ${gatesPassed} passed, ${gatesFailed} failed`);
console.log(`tests: ${numPassedTests} passed, ${failedTests} failed, ${numPendingTests} skipped`);
const failed = failedTests + Number(gatesFailed);
console.log(`${numPassedTests + Number(gatesPassed)} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
