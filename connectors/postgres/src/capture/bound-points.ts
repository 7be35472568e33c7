import type { PostgresType } from '../types/postgres-type.ts';
import { storedType } from '../types/postgres-type.ts';

/** A type whose values lie on a line: distances mean something. */
interface Ruler {
  /** Undefined for what is on no line: infinity, years beyond what a `Date` prints. */
  read(text: string): bigint | undefined;
  write(at: bigint): string;
}

/**
 * Divides the stretches between `edges` (distinct values of a column in the server's order, as canonical text) so that
 * each piece is about as heavy. `weights`: of the stretch that begins at the edge of the same index, one less than there
 * are edges. Stretches of types without a ruler stay whole. Pure.
 */
export function divide(
  type: PostgresType,
  edges: readonly string[],
  weights: readonly number[],
  pieceWeight: number,
): string[] {
  const ruler = rulerOf(type);
  return edges.flatMap((edge, index) => {
    const next = edges[index + 1];
    const pieces = Math.ceil((weights[index] ?? 0) / pieceWeight);
    if (next === undefined || ruler === undefined || pieces <= 1) return [edge];
    return [edge, ...between(ruler, edge, next, pieces)];
  });
}

/** Inner marks that cut the stretch into so many pieces, fewer where it has not as many values. */
function between(ruler: Ruler, from: string, to: string, pieces: number): string[] {
  const low = ruler.read(from);
  const high = ruler.read(to);
  if (low === undefined || high === undefined) return [];
  const marks: string[] = [];
  let last = low;
  for (let piece = 1; piece < pieces; piece += 1) {
    const at = low + ((high - low) * BigInt(piece)) / BigInt(pieces);
    if (at <= last || at >= high) continue;
    marks.push(ruler.write(at));
    last = at;
  }
  return marks;
}

function rulerOf(type: PostgresType): Ruler | undefined {
  return RULERS.get(storedType(type).oid);
}

const INTEGER: Ruler = {
  read: (text) => (/^-?\d+$/.test(text) ? BigInt(text) : undefined),
  write: (at) => at.toString(),
};

const DAY_MILLISECONDS = 86_400_000;

const DATE: Ruler = {
  read: (text) =>
    /^\d{4}-\d\d-\d\d$/.test(text) ? BigInt(Date.parse(`${text}T00:00:00Z`) / DAY_MILLISECONDS) : undefined,
  write: (at) => new Date(Number(at) * DAY_MILLISECONDS).toISOString().slice(0, 10),
};

/** `suffix`: how sessions that are pinned to UTC print the zone. */
function timestamps(suffix: string): Ruler {
  return {
    read: (text) => {
      if (!text.endsWith(suffix)) return undefined;
      const local = text.slice(0, text.length - suffix.length);
      const parts = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(local);
      if (parts === null) return undefined;
      const [, date, time, fraction = ''] = parts;
      return BigInt(Date.parse(`${date}T${time}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'));
    },
    write: (at) => {
      const micros = ((at % 1_000_000n) + 1_000_000n) % 1_000_000n;
      const seconds = new Date(Number((at - micros) / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
      const fraction = micros === 0n ? '' : `.${micros.toString().padStart(6, '0').replace(/0+$/, '')}`;
      return `${seconds}${fraction}${suffix}`;
    },
  };
}

const UUID: Ruler = {
  read: (text) => BigInt(`0x${text.replaceAll('-', '')}`),
  write: (at) =>
    at
      .toString(16)
      .padStart(32, '0')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};

const RULERS: ReadonlyMap<number, Ruler> = new Map([
  [20, INTEGER],
  [21, INTEGER],
  [23, INTEGER],
  [26, INTEGER],
  [1700, INTEGER],
  [1082, DATE],
  [1114, timestamps('')],
  [1184, timestamps('+00')],
  [2950, UUID],
]);
