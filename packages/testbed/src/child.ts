import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export interface ChildOptions {
  /** The script to run on this process's Node, or on the workspace's Node 24 if this one is older. */
  readonly script: string;
  readonly arguments?: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Options of Node itself, such as `--expose-gc`. */
  readonly nodeOptions?: readonly string[];
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A script in a process of its own, for tests that kill it. It is killed when its owner exits. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process has ended and its output is complete. */
  readonly exited: Promise<ChildExit>;
  readonly running: boolean;
  /** What it has written so far (the newest part, if that is very much). */
  stdout(): string;
  stderr(): string;
  /** Resolves with the match once stdout or stderr holds it; rejects when the process ends or time runs out. */
  waitForOutput(pattern: RegExp | string, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Sends a signal (default SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ChildExit>;
  [Symbol.asyncDispose](): Promise<void>;
}

const NODE_MAJOR = 24;
const OUTPUT_WAIT_MS = 30_000;
/** Enough for any failure's story; a child that logs for hours must not fill our memory. */
const KEPT_OUTPUT_CHARACTERS = 4_000_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function startChild(options: ChildOptions): Child {
  return new NodeChild(options);
}

class NodeChild implements Child {
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #script: string;
  readonly #output = { stdout: '', stderr: '' };
  readonly #watchers = new Set<() => void>();

  constructor(options: ChildOptions) {
    this.#script = options.script;
    const nodeArguments = [...(options.nodeOptions ?? []), options.script, ...(options.arguments ?? [])];
    const child = spawn(findNode(), nodeArguments, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#process = child;
    running.add(child);
    this.#collect('stdout');
    this.#collect('stderr');
    this.exited = new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => {
        running.delete(child);
        done({ code, signal });
        for (const look of this.#watchers) look();
      });
    });
    // Whoever awaits it sees the failure; nobody else should crash of it.
    this.exited.catch(() => {});
  }

  get pid(): number {
    if (this.#process.pid === undefined)
      throw new Error(`${this.#script} could not be started: it has no pid.`);
    return this.#process.pid;
  }

  get running(): boolean {
    return running.has(this.#process);
  }

  stdout(): string {
    return this.#output.stdout;
  }

  stderr(): string {
    return this.#output.stderr;
  }

  async waitForOutput(pattern: RegExp | string, timeoutMs = OUTPUT_WAIT_MS): Promise<RegExpMatchArray> {
    const { promise, resolve: found, reject } = Promise.withResolvers<RegExpMatchArray>();
    const expression = typeof pattern === 'string' ? new RegExp(RegExp.escape(pattern)) : pattern;
    const look = (): void => {
      const match = this.#output.stdout.match(expression) ?? this.#output.stderr.match(expression);
      if (match !== null) found(match);
      else if (!this.running) reject(this.#missing(pattern, 'the process ended'));
    };
    const timer = setTimeout(() => reject(this.#missing(pattern, `${timeoutMs} ms passed`)), timeoutMs);
    this.#watchers.add(look);
    try {
      look();
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ChildExit> {
    this.#process.kill(signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.kill();
  }

  #collect(name: 'stdout' | 'stderr'): void {
    this.#process[name]?.setEncoding('utf8').on('data', (text: string) => {
      this.#output[name] = (this.#output[name] + text).slice(-KEPT_OUTPUT_CHARACTERS);
      for (const look of this.#watchers) look();
    });
  }

  #missing(pattern: RegExp | string, reason: string): Error {
    const { stdout, stderr } = this.#output;
    return new Error(
      `${this.#script}: no output matched ${pattern}: ${reason}.\nstdout: ${stdout}\nstderr: ${stderr}`,
    );
  }
}

function findNode(): string {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  const installed = resolve(import.meta.dirname, '../../../node_modules/node/bin/node');
  return existsSync(installed) ? installed : process.execPath;
}
