import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RuntimeStatus } from '@brimful/model';
import type { PipeOptions } from './pipe-options.ts';

/** What the child says about itself. */
export interface PipeReport {
  readonly status: RuntimeStatus;
  /** Since its start. */
  readonly cpuSeconds: number;
  readonly maxRssBytes: number;
}

const MAIN = fileURLToPath(new URL('pipe-main.ts', import.meta.url));

/** A pipe in a process of its own, so that it can be killed and measured. */
export class PipeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #last: PipeReport | undefined;
  #stderr = '';
  readonly #waiting = new Set<() => void>();
  /** Resolves with the signal that ended it, or null. */
  readonly exited: Promise<NodeJS.Signals | null>;

  constructor(options: PipeOptions, env: Readonly<Record<string, string>> = {}) {
    this.#child = fork(MAIN, [JSON.stringify(options)], {
      // As `scripts/bootstrap.mjs` starts it.
      env: { ...process.env, NODE_OPTIONS: '--max-semi-space-size=2', MALLOC_ARENA_MAX: '2', ...env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-100_000);
      if (process.env['BRIMFUL_LOG'] !== undefined) process.stderr.write(text);
    });
    this.#child.on('message', (message) => {
      this.#last = message as PipeReport;
      for (const wake of this.#waiting) wake();
    });
    this.exited = once(this.#child, 'exit').then(([, signal]) => {
      for (const wake of this.#waiting) wake();
      return signal as NodeJS.Signals | null;
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get last(): PipeReport | undefined {
    return this.#last;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with the first report that satisfies; rejects when the child ends or time runs out. */
  async until(
    what: string,
    satisfied: (report: PipeReport) => boolean,
    timeoutMilliseconds: number,
  ): Promise<PipeReport> {
    const deadline = Date.now() + timeoutMilliseconds;
    for (;;) {
      if (this.#last !== undefined && satisfied(this.#last)) return this.#last;
      if (!this.running) throw new Error(`the pipe ended while waiting for ${what}\n${this.#stderr}`);
      if (Date.now() > deadline) {
        throw new Error(
          `timed out waiting for ${what}\n${this.#stderr}\n${JSON.stringify(this.#last?.status, null, 1)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 1000);
        const waiting = this.#waiting;
        function wake(): void {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<void> {
    if (this.running) this.#child.send('stop');
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.kill();
  }
}

/** Every table of every materialization follows the stream, and holds all that was journaled. */
export function isSettled({ status }: PipeReport): boolean {
  return (
    status.captures.every(
      (capture) =>
        capture.bindings.length > 0 && capture.bindings.every((binding) => binding.phase === 'streaming'),
    ) &&
    status.materializations.every(
      (materialization) =>
        materialization.bindings.length > 0 &&
        materialization.bindings.every((binding) => binding.phase === 'live'),
    )
  );
}

/** Everything the source had committed at `position` is in every destination. */
export function hasPassed(position: bigint): (report: PipeReport) => boolean {
  return ({ status }) => {
    if (!status.captures.every((capture) => BigInt(capture.position ?? 0) >= position)) return false;
    const bindings = status.captures.flatMap((capture) => capture.bindings);
    const ends = new Map(bindings.map((binding) => [binding.collection, binding.journal.next]));
    return status.materializations.every((materialization) =>
      materialization.bindings.every((binding) => binding.offset >= (ends.get(binding.collection) ?? 0)),
    );
  };
}
