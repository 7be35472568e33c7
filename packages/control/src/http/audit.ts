import { appendFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@brimful/connector';

/** Then it becomes `audit.1.jsonl`, and the one before that is forgotten. */
export const AUDIT_LIMIT_BYTES = 16 * 1024 * 1024;

/** One write that was asked for, and what became of it. Never what was in it beyond names: that could be a secret. */
export interface Audited {
  readonly at: string;
  readonly who: string;
  readonly by: string;
  readonly address: string;
  readonly operation: string;
  readonly subject: string | null;
  readonly status: number;
  /** Of a refusal. */
  readonly code: string | null;
}

/** `audit.jsonl` in the data directory: a line for every write that was asked for, refused ones too. */
export class AuditLog {
  readonly #file: string;
  readonly #directory: string;
  readonly #log: Logger;
  #last: Promise<void> = Promise.resolve();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#file = join(directory, 'audit.jsonl');
    this.#log = log;
  }

  /** Resolves when it is written. A disk that cannot take it is said in the log, and stops nothing. */
  note(audited: Audited): Promise<void> {
    this.#last = this.#last.then(() => this.#write(`${JSON.stringify(audited)}\n`));
    return this.#last;
  }

  async #write(line: string): Promise<void> {
    try {
      await appendFile(this.#file, line, { mode: 0o600 });
      const { size } = await stat(this.#file);
      if (size > AUDIT_LIMIT_BYTES) await rename(this.#file, join(this.#directory, 'audit.1.jsonl'));
    } catch (error) {
      this.#log.error({ error, file: this.#file }, 'A change could not be written to the audit log');
    }
  }
}
