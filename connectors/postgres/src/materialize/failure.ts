import { Problem, toProblem } from '@brimful/model';
import type { ProblemCode } from '@brimful/model';
import { DatabaseError } from 'pg';

import { literal } from '../types/literal.ts';
import { keyIndices } from '@brimful/model';
import type { Column } from '@brimful/model';
import { PipelineError } from './pipeline.ts';
import type { Origin } from './transaction.ts';

/** Whoever opens a table, or reads or drops one: the message's first words. */
type Doing = string;

/** SQLSTATE classes and codes after which waiting helps: connections, shutdowns, locks, resources, a standby. */
const RETRY = /^(08|40|53|57|55P03|55006|25006|58)/;
const REFUSED = /^(28|3D|42501)/;

/** The server's error behind whatever was thrown, if it is one. */
export function serverError(thrown: unknown): DatabaseError | undefined {
  const error = thrown instanceof PipelineError ? thrown.cause : thrown;
  return error instanceof DatabaseError ? error : undefined;
}

/** Turns what a statement failed with into a problem a user can act on. `at` never holds more than places. */
export function problemOf(thrown: unknown, doing: Doing, origin?: Origin): Problem {
  const cause = thrown instanceof PipelineError ? thrown.cause : thrown;
  const at = origin === undefined ? {} : { table: origin.table.name };
  if (cause instanceof Problem) {
    return new Problem(cause.code, cause.message, {
      kind: cause.kind,
      ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
      at: { ...at, ...cause.at },
      cause,
    });
  }
  const error = serverError(cause);
  if (error === undefined) return localProblem(cause, doing, at);
  const what = origin === undefined ? doing : `${origin.doing} in ${origin.table.name}`;
  const place = { ...at, ...placeOf(error, origin) };
  if (origin?.kind === 'fence' && error.code === '22012') return fencedProblem(origin, cause);
  const make = (code: ProblemCode, message: string, kind: 'operator' | 'retry', remedy?: string): Problem =>
    new Problem(code, message, { kind, at: place, cause, ...(remedy === undefined ? {} : { remedy }) });
  const code = error.code ?? '';
  if (RETRY.test(code))
    return make(
      'BRM-PG-UNAVAILABLE',
      `The destination could not go on with ${what}: ${error.message}`,
      'retry',
      retryRemedy(code),
    );
  if (REFUSED.test(code))
    return make(
      'BRM-PG-REFUSED',
      `The destination refuses ${what}: ${error.message}`,
      'operator',
      refusedRemedy(code),
    );
  return dataProblem(error, code, what, make);
}

type Make = (code: ProblemCode, message: string, kind: 'operator' | 'retry', remedy?: string) => Problem;

function dataProblem(error: DatabaseError, code: string, what: string, make: Make): Problem {
  const said = error.detail === undefined ? error.message : `${error.message} (${error.detail})`;
  if (code.startsWith('22') || code.startsWith('54')) {
    // Invariant 6
    return make(
      'BRM-PG-VALUE',
      `The destination cannot hold a value, ${what}: ${error.message}`,
      'operator',
      'Change the value at the source, or leave the column out of the collection.',
    );
  }
  if (code === '23505' && /could not create unique index/.test(error.message)) {
    return make(
      'BRM-PG-DUPLICATE-KEY',
      `Two rows have the same key, ${what}: ${said}`,
      'operator',
      'Order a reset run of this table. If it happens again, the source holds rows that are equal to the destination: compare their collations.',
    );
  }
  if (code.startsWith('23')) {
    return make(
      'BRM-PG-CONSTRAINT',
      `A constraint of the destination stopped ${what}: ${said}`,
      'operator',
      error.constraint === undefined
        ? 'Look for the row at the source, then order a reset run of this table.'
        : `Drop the constraint or index ${error.constraint} from the destination's table: only the source decides what its rows may be.`,
    );
  }
  if (/^(42P01|42703|42701|42P07|42804|0A000|2BP01)$/.test(code)) {
    return make(
      'BRM-PG-TABLE-CHANGED',
      `The destination's table is not as Brimful left it, ${what}: ${said}`,
      'operator',
      'Undo what was changed about the table by hand (views on a column keep it from changing its type), or order a reset run.',
    );
  }
  return make(
    'BRM-PG-SERVER',
    `The destination's server failed, ${what}: ${code} ${said}`,
    'operator',
    "Look into the server's log.",
  );
}

function fencedProblem(origin: Origin, cause?: unknown): Problem {
  return new Problem(
    'BRM-PG-FENCED',
    `Another writer has taken over ${origin.table.name}: nothing was written.`,
    {
      remedy: 'Stop the other process that runs this materialization; only one may.',
      at: { table: origin.table.name },
      cause,
    },
  );
}

type Places = Readonly<Record<string, string>>;

/** Errors that come from no server: the network's, the driver's, or our own mistakes. */
function localProblem(cause: unknown, doing: Doing, at: Places): Problem {
  if (!(cause instanceof Error)) return toProblem(cause);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const said = cause.message || code || cause.name;
  if (REFUSED_LOCALLY.test(`${code} ${said}`)) {
    return new Problem('BRM-PG-REFUSED', `The destination refuses ${doing}: ${said}`, {
      remedy: "Check password and `sslmode` in the materialization's `url`.",
      at,
      cause,
    });
  }
  // A mistake of ours must not look like an outage, which would be tried again for ever.
  if (!isConnectionLoss(code, said)) return toProblem(cause);
  return new Problem('BRM-PG-CONNECTION', `The connection to the destination was lost, ${doing}: ${said}`, {
    kind: 'retry',
    remedy: 'It is tried again. If it stays so, see whether the server runs and can be reached from here.',
    at,
    cause,
  });
}

/** What TLS and authentication say on our side. */
const REFUSED_LOCALLY =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT)|SASL|password must be a string|does not support SSL/;

/** Node's codes for sockets and names, and the words of pg's client and of ours. */
function isConnectionLoss(code: string, said: string): boolean {
  return (
    /^(E[A-Z_]+|ERR_(STREAM|SOCKET|SSL)\w*)$/.test(code) ||
    /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed|Query read timeout|the connection |There was an error establishing an SSL)/.test(
      said,
    )
  );
}

function retryRemedy(code: string): string {
  if (code === '53300')
    return 'It is tried again. Raise max_connections, or lower `connections` of this materialization.';
  if (code === '53100') return "It is tried again. The destination's disk is full: make room.";
  if (code === '55P03')
    return 'It is tried again. Somebody holds a lock on the table: SELECT pid, query FROM pg_stat_activity.';
  if (code === '25006') return 'It is tried again. The server accepts no writes: is this a standby?';
  return 'It is tried again.';
}

function refusedRemedy(code: string): string {
  if (code.startsWith('28'))
    return "Check user and password in the materialization's `url`, and the server's pg_hba.conf.";
  if (code.startsWith('3D')) return 'Create the database: CREATE DATABASE ….';
  return 'Grant the right to the role in `url`. `brimful check` prints the exact statements.';
}

const COPY_PLACE = /^COPY [^,]+, line (\d+)(?:, column ([^:\n]+))?/;

/** Column and row key, as far as the server tells. */
function placeOf(error: DatabaseError, origin: Origin | undefined): Record<string, string> {
  const found = COPY_PLACE.exec(error.where ?? '');
  const column = found?.[2] ?? error.column;
  const key = found?.[1] === undefined ? detailKey(error.detail) : keyOfLine(Number(found[1]), origin);
  return { ...(column === undefined ? {} : { column }), ...(key === undefined ? {} : { key }) };
}

function detailKey(detail: string | undefined): string | undefined {
  return /^Key \(.*?\)=\((.*)\) /.exec(detail ?? '')?.[1];
}

/** COPY counts lines from 1. */
function keyOfLine(line: number, origin: Origin | undefined): string | undefined {
  let row = line - 1;
  for (const batch of origin?.lines ?? []) {
    if (row >= batch.rows) {
      row -= batch.rows;
      continue;
    }
    const values = keyIndices(batch.schema).map(
      (index) => literal(batch.columns[index] as Column, row) ?? 'null',
    );
    return values.length === 0 ? undefined : values.join(', ');
  }
  return undefined;
}
