import { Problem } from '@brimful/model';

export const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
export const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** Growing the log's index on a full disk. */
const SQLITE_IOERR_SHMSIZE = SQLITE_IOERR | (19 << 8);
const SQLITE_IOERR_WRITE = SQLITE_IOERR | (3 << 8);
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;
/** Only somebody who changes rights, the mount or the path can help. */
const OPERATOR_CODES: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  SQLITE_READONLY,
  SQLITE_CANTOPEN,
]);
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** SQLite's extended result code, or undefined when the error is not SQLite's. */
function sqliteExtendedCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code : undefined;
}

export function sqliteCode(error: unknown): number | undefined {
  const code = sqliteExtendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

/** Whether the database can no longer be trusted in this process: after a failed sync nobody knows what is on disk. */
export function isFatal(error: unknown): boolean {
  const code = sqliteExtendedCode(error);
  return sqliteCode(error) === SQLITE_IOERR && code !== SQLITE_IOERR_WRITE && code !== SQLITE_IOERR_SHMSIZE;
}

/** What went wrong in SQLite or the file system, as a problem with its remedy. `where` names directory, journal, key. */
export function storageProblem(error: unknown, where: Readonly<Record<string, string | number>>): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  const systemCode = (error as { code?: unknown } | undefined)?.code;
  const code = sqliteCode(error);
  if (
    code === SQLITE_FULL ||
    sqliteExtendedCode(error) === SQLITE_IOERR_SHMSIZE ||
    NO_SPACE.has(String(systemCode))
  ) {
    return new Problem('BRM-STORE-FULL', `No space left for the store: ${message}. Nothing was written.`, {
      kind: 'retry',
      remedy: 'Free some space on the disk of the data directory; work goes on by itself.',
      at: where,
      cause: error,
    });
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new Problem('BRM-STORE-CORRUPT', `The store's database is damaged: ${message}.`, {
      remedy: 'Check the disk, then restore the data directory from a copy or start with an empty one.',
      at: where,
      cause: error,
    });
  }
  if (code !== undefined || typeof systemCode === 'string') {
    const number = sqliteExtendedCode(error);
    return new Problem(
      'BRM-STORE-IO',
      `The store cannot reach its files: ${message}${number === undefined ? '' : ` (SQLite ${number})`}.`,
      {
        kind: OPERATOR_CODES.has(code ?? systemCode) ? 'operator' : 'retry',
        remedy: 'Check the disk, its mount and the rights on the data directory; then restart Brimful.',
        at: where,
        cause: error,
      },
    );
  }
  return new Problem('BRM-BUG', message, { kind: 'bug', at: where, cause: error });
}
