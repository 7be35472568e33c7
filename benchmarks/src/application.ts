import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One transaction of the application: when it was over (milliseconds since 1970) and how long after it was due. */
export interface Transaction {
  readonly at: number;
  readonly milliseconds: number;
  readonly isWrite: boolean;
}

export interface ApplicationOptions {
  /** Of pgbench. */
  readonly bin: string;
  readonly url: string;
  /** Of `pgbench_accounts`. */
  readonly rows: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** For its scripts and logs; one for each call. */
  readonly directory: string;
}

const SESSIONS = 4;
/** Of four transactions three look something up and one changes it, spread evenly over the table. */
const READ = '\\set aid random(1, :rows)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n';
const WRITE = `\\set aid random(1, :rows)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
END;
`;
const WRITE_SCRIPT = 1;

/**
 * An application at a fixed rate: pgbench, which counts a transaction's time from when it was due, so that one that had to
 * queue behind a slow one counts as slow, too. Resolves when its time is over.
 */
export async function runApplication(options: ApplicationOptions): Promise<readonly Transaction[]> {
  const { bin, url, rows, perSecond, seconds, directory } = options;
  const read = join(directory, 'read.sql');
  const write = join(directory, 'write.sql');
  await Promise.all([writeFile(read, READ), writeFile(write, WRITE)]);
  const scripts = ['-f', `${read}@3`, '-f', `${write}@1`, '-D', `rows=${rows}`];
  const load = ['-c', String(SESSIONS), '-R', String(perSecond), '-T', String(Math.ceil(seconds))];
  const log = ['-l', '--log-prefix', join(directory, 'latency')];
  await finished(spawn(join(bin, 'pgbench'), ['-n', '-M', 'prepared', ...scripts, ...load, ...log, url]));
  const names = (await readdir(directory)).filter((name) => name.startsWith('latency'));
  const logs = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return logs.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map(transaction),
  );
}

/** `pgbench_accounts` alone, with its key, analyzed. A scale is 100,000 rows. */
export async function fillAccounts(bin: string, url: string, scale: number): Promise<void> {
  await finished(spawn(join(bin, 'pgbench'), ['-i', '-q', '-s', String(scale), url]));
}

/** `client transaction microseconds script epoch_seconds epoch_microseconds [schedule_lag]` */
function transaction(line: string): Transaction {
  const [, , microseconds, script, seconds, rest] = line.split(' ').map(Number);
  return {
    at: (seconds ?? Number.NaN) * 1000 + (rest ?? Number.NaN) / 1000,
    milliseconds: (microseconds ?? Number.NaN) / 1000,
    isWrite: script === WRITE_SCRIPT,
  };
}

async function finished(child: ReturnType<typeof spawn>): Promise<void> {
  let errors = '';
  child.stdout?.resume();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`pgbench ended with ${code}: ${errors}`);
}
