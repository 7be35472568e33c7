import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Another process that tells how far it is, line by line. */
export interface Child {
  readonly pid: number;
  readonly lines: AsyncIterableIterator<string>;
  readonly exited: Promise<unknown>;
  /** Ends its input, and waits for its end. */
  finish(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts one of the programs beside this file. */
export function startChild(program: string, ...parameters: string[]): Child {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [path, ...parameters]);
  child.stderr.pipe(process.stderr);
  const exited = once(child, 'exit');
  return {
    pid: child.pid as number,
    lines: createInterface(child.stdout)[Symbol.asyncIterator]() as AsyncIterableIterator<string>,
    exited,
    async finish() {
      child.stdin.end();
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export async function nextLine(child: Child): Promise<string> {
  const { value, done } = await child.lines.next();
  if (done === true) throw new Error('the other process has ended');
  return value;
}
