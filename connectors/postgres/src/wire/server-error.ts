import type { ProblemCode, ProblemKind } from '@brimful/model';
import { Problem } from '@brimful/model';

/** An ErrorResponse or NoticeResponse, field by field. */
export interface ServerMessage {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
}

/** The server's own words, for callers that know what to make of a code. Wrapped by `problemOf` before users see it. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly fatal: boolean;

  constructor(said: ServerMessage) {
    super(said.message);
    this.code = said.code;
    this.detail = said.detail;
    this.hint = said.hint;
    this.fatal = said.severity === 'FATAL' || said.severity === 'PANIC';
  }
}

/** Reads `buffer[start..end)`: fields of one type byte and a zero-terminated text each. */
export function readServerMessage(buffer: Uint8Array, start: number, end: number): ServerMessage {
  const fields = new Map<string, string>();
  let at = start;
  while (at < end && buffer[at] !== 0) {
    const kind = String.fromCharCode(buffer[at] as number);
    const stop = buffer.indexOf(0, at + 1);
    fields.set(kind, new TextDecoder().decode(buffer.subarray(at + 1, stop)));
    at = stop + 1;
  }
  return {
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    code: fields.get('C') ?? 'XX000',
    message: fields.get('M') ?? 'The server reported an error without a message.',
    detail: fields.get('D'),
    hint: fields.get('H'),
  };
}

interface Meaning {
  readonly code: ProblemCode;
  readonly kind: ProblemKind;
  readonly remedy?: string;
}

const CONNECTION: Meaning = { code: 'BRM-PG-CONNECTION', kind: 'retry' };
const AUTHENTICATION: Meaning = {
  code: 'BRM-PG-AUTHENTICATION',
  kind: 'operator',
  remedy:
    'Check user and password in the config (or the environment variable they come from), and pg_hba.conf on the server.',
};

const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['28P01', AUTHENTICATION],
  ['28000', AUTHENTICATION],
  ['3D000', { code: 'BRM-PG-DATABASE', kind: 'operator', remedy: 'Correct `database`, or create it.' }],
  [
    '42501',
    {
      code: 'BRM-PG-PRIVILEGE',
      kind: 'operator',
      remedy: 'Run `brimful check`: it prints the GRANT that is missing.',
    },
  ],
  ['55P03', { code: 'BRM-PG-LOCKED', kind: 'retry' }],
  ['57014', { code: 'BRM-PG-TIMEOUT', kind: 'retry' }],
  [
    '53300',
    {
      code: 'BRM-PG-CONNECTION',
      kind: 'retry',
      remedy:
        'The server has no connection left: raise max_connections (or max_wal_senders), or end idle sessions.',
    },
  ],
  ['57P01', CONNECTION],
  ['57P02', CONNECTION],
  ['57P03', CONNECTION],
  ['57P05', CONNECTION],
  ['40001', { code: 'BRM-PG-CONFLICT', kind: 'retry' }],
  ['40P01', { code: 'BRM-PG-CONFLICT', kind: 'retry' }],
  ['53200', { code: 'BRM-PG-CONNECTION', kind: 'retry' }],
]);

/** What a thrown thing means to the user. Problems pass through. `doing`: "connecting to shop@db:5432/shop". */
export function problemOf(thrown: unknown, doing: string): Problem {
  if (thrown instanceof Problem) return thrown;
  if (!(thrown instanceof ServerError)) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new Problem('BRM-BUG', `${doing}: ${text}`, { kind: 'bug', cause: thrown });
  }
  const known = MEANINGS.get(thrown.code) ?? (thrown.code.startsWith('08') ? CONNECTION : undefined);
  const detail = thrown.detail === undefined ? '' : ` (${thrown.detail})`;
  const remedy = known?.remedy ?? thrown.hint;
  return new Problem(known?.code ?? 'BRM-PG-SERVER', `${doing}: ${thrown.message}${detail}`, {
    kind: known?.kind ?? 'operator',
    ...(remedy === undefined ? {} : { remedy }),
    at: { sqlstate: thrown.code },
    cause: thrown,
  });
}
