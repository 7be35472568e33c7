// Runs a script of this repository on Node 24, in a fresh clone too.
//
//   node scripts/bootstrap.mjs <script> [arguments...]
//   node scripts/bootstrap.mjs --pages <script> ...       also builds the pages for the browser
//   node scripts/bootstrap.mjs                            only installs
//
// Plain JavaScript for Node >= 20 that needs nothing installed: it installs the dependencies when they are
// missing or differ from package-lock.json (Node 24 is one of them), then hands over to the script, which
// keeps this process's terminal, exit code and signals. Its own messages go to stderr: stdout is the script's.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const NODE_MAJOR = 24;
const LOCK_PATH = join(ROOT, '.bootstrap.lock');
const INSTALLED_NODE = join(
  ROOT,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);
/**
 * Buffers go with the young heap's collections, which are cheap, when those come often; and hardly anything else of ours is
 * short-lived.
 */
const HEAP_OPTIONS = '--max-semi-space-size=2';
/** What the pages are built from. */
const PAGE_SOURCES = ['packages/web/src', 'packages/api/src', 'packages/model/src'];
const PROGRESS_EVERY_MS = 5_000;
const LOCK_POLL_MS = 500;

/**
 * Makes dependencies and Node 24 available, then becomes `script`, if there is one, and does not return. `pages`: the pages
 * for the browser are wanted, too, and built when they are missing.
 */
export async function runOnNode24(script, scriptArguments, { pages = false } = {}) {
  try {
    await installDependencies();
    const node = await findNode24();
    if (pages) await buildPages(node);
    if (script !== undefined) handOver(node, resolve(script), scriptArguments);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

/** Once, and again when they changed: some seconds. Without them everything else works, so a failure is only said. */
async function buildPages(node) {
  const web = join(ROOT, 'packages', 'web');
  const built = join(web, 'dist', 'index.html');
  if (existsSync(built) && newestChange(PAGE_SOURCES) <= statSync(built).mtimeMs) return;
  say('Building the pages for the browser (some seconds) ...');
  const building = spawnSync(node, [join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), 'build'], {
    cwd: web,
    encoding: 'utf8',
  });
  if (building.status !== 0)
    say(`They could not be built, so there is only the API: ${building.stderr.trim()}`);
}

/** Milliseconds since 1970. A pull gives what it changes a new time. */
function newestChange(folders) {
  const times = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  return Math.max(0, ...times);
}

async function installDependencies() {
  if (dependenciesMatchLockfile()) return;
  await withInstallLock(async () => {
    if (dependenciesMatchLockfile()) return;
    say('Installing dependencies from package-lock.json (once; a minute or so) ...');
    await run('npm', [
      'ci',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]);
    say('Dependencies are installed.');
  });
}

/**
 * What npm recorded as installed, against what the lockfile wants. By content, not by age: a checkout or an
 * `npm install` in another terminal changes file times without changing what is needed.
 */
function dependenciesMatchLockfile() {
  const installed = readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  const wanted = readPackages(join(ROOT, 'package-lock.json'));
  if (wanted === undefined) throw new Error(`package-lock.json is missing in ${ROOT}: restore it with git.`);
  return Object.entries(wanted).every(([path, { version, link, optional }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    // Binaries for other platforms are optional and rightly absent.
    return found === undefined ? optional === true : link === true || found.version === version;
  });
}

function readPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

async function findNode24() {
  if (Number(process.versions.node.split('.')[0]) === NODE_MAJOR) return process.execPath;
  if (isNode24(INSTALLED_NODE)) return INSTALLED_NODE;
  await withInstallLock(async () => {
    if (isNode24(INSTALLED_NODE)) return;
    // npm was told to skip install scripts, and this one puts the binary in place.
    say(`Fetching Node ${NODE_MAJOR} from npm ...`);
    await run(process.execPath, ['installArchSpecificPackage.js'], join(ROOT, 'node_modules', 'node'));
  });
  if (isNode24(INSTALLED_NODE)) return INSTALLED_NODE;
  throw new Error(
    `Node ${NODE_MAJOR} could not be installed from npm for ${process.platform}-${process.arch}. ` +
      `Install Node ${NODE_MAJOR} yourself (https://nodejs.org) and run this command with it.`,
  );
}

function isNode24(path) {
  if (!existsSync(path)) return false;
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.startsWith(`v${NODE_MAJOR}.`) ?? false;
}

/** Two terminals in one fresh clone must not install over each other. */
async function withInstallLock(work) {
  let told = false;
  while (!tryLock()) {
    if (!told) say('Waiting for another process that is installing dependencies ...');
    told = true;
    await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
  }
  const unlock = () => rmSync(LOCK_PATH, { force: true });
  process.once('exit', unlock);
  try {
    await work();
  } finally {
    unlock();
    process.off('exit', unlock);
  }
}

function tryLock() {
  try {
    writeFileSync(LOCK_PATH, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = existsSync(LOCK_PATH) ? Number(readFileSync(LOCK_PATH, 'utf8')) : 0;
  if (owner > 0 && !isAlive(owner)) rmSync(LOCK_PATH, { force: true });
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs a command to its end; its output goes to stderr, with a sign of life where no terminal shows npm's own. */
function run(command, commandArguments, directory = ROOT) {
  return new Promise((done, fail) => {
    const startedAt = Date.now();
    const windows = process.platform === 'win32';
    const child = spawn(command, commandArguments, {
      cwd: directory,
      stdio: ['ignore', 2, 2],
      shell: windows,
    });
    const progress = setInterval(() => {
      if (!process.stderr.isTTY)
        say(`... still at it after ${Math.round((Date.now() - startedAt) / 1000)} s`);
    }, PROGRESS_EVERY_MS);
    child.on('error', (error) => {
      clearInterval(progress);
      fail(new Error(`Could not start \`${command}\`: ${error.message}. Is npm installed and on the PATH?`));
    });
    child.on('exit', (code, signal) => {
      clearInterval(progress);
      if (code === 0) return done();
      fail(
        new Error(
          `\`${[command, ...commandArguments].join(' ')}\` failed (${signal ?? `exit code ${code}`}).`,
        ),
      );
    });
  });
}

function handOver(node, script, scriptArguments) {
  const path = [dirname(node), join(ROOT, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const environment = {
    // What was compiled and stripped of its types before is not again: half the start, and a third of its memory.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'brimful'),
    // Buffers that one thread fills and another frees pile up where every thread has memory of its own. (glibc)
    MALLOC_ARENA_MAX: '2',
    ...process.env,
    ...(script.includes('node_modules')
      ? {}
      : { NODE_OPTIONS: `${HEAP_OPTIONS} ${process.env.NODE_OPTIONS ?? ''}` }),
    PATH: path,
  };
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    // Same process id, so signals need no forwarding. Node calls it experimental and warns; nobody needs that.
    process.removeAllListeners('warning');
    process.execve(node, [node, script, ...scriptArguments], environment);
  }
  const child = spawn(node, [script, ...scriptArguments], { stdio: 'inherit', env: environment });
  const forward = (signal) => {
    // A terminal's Ctrl-C already reaches the child, which may take a second one as "stop at once".
    if (signal === 'SIGINT' && (process.stdin.isTTY || process.stdout.isTTY)) return;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => {
    say(`Could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of signals) process.off(name, forward);
    process.kill(process.pid, signal);
  });
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const pages = words[0] === '--pages';
  const [script, ...scriptArguments] = pages ? words.slice(1) : words;
  await runOnNode24(script, scriptArguments, { pages });
}
