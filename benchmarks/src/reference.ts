import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a shell command and gives its wall-clock seconds. Fails when it fails. */
export async function timed(command: string): Promise<number> {
  const started = performance.now();
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${errors}`);
  return (performance.now() - started) / 1000;
}

/** The fastest thing psql can do between two tables that exist. */
export function psqlPipe(bin: string, source: string, target: string, table: string): string {
  return `${bin}/psql -qX "${source}" -c "COPY ${table} TO STDOUT (FORMAT binary)" | ${bin}/psql -qX "${target}" -c "COPY ${table} FROM STDIN (FORMAT binary)"`;
}
