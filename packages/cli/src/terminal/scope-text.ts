import type { Scope } from '@brimful/model';
import { plural } from './format.ts';
import { formatMoment } from './page.ts';

/** Which rows, for people. Times in the author's zone and, where they are instants, in UTC. */
export function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case 'all':
      return 'the whole table';
    case 'time':
      return timeText(scope);
    case 'key':
      return interval('key', tuple(scope.from), tuple(scope.to));
    case 'keys':
      return `${plural(scope.keys.length, 'row')} by key`;
  }
}

/** Short enough for a column of a list. */
export function scopeWord(scope: Scope): string {
  switch (scope.kind) {
    case 'all':
      return 'whole table';
    case 'time':
      return `by ${scope.column}`;
    case 'key':
      return 'key range';
    case 'keys':
      return plural(scope.keys.length, 'key');
  }
}

function timeText(scope: Extract<Scope, { kind: 'time' }>): string {
  const { column, from, to, zone } = scope;
  const inZone = interval(column, zoned(from, zone), zoned(to, zone));
  // The column has no zone, nor then have its bounds.
  if (![from, to].some((bound) => bound !== null && isInstant(bound))) return inZone;
  const utc = /^(Etc\/)?(UTC|GMT)$/.test(zone);
  return utc ? `${inZone}  ${zone}` : `${inZone}  ${zone}\n${interval('…', from, to)}  UTC`;
}

/** Half-open, as mathematics writes it. */
function interval(what: string, from: string | null, to: string | null): string {
  if (from === null && to === null) return `any ${what}`;
  return `${from === null ? '' : `${from} ≤ `}${what}${to === null ? '' : ` < ${to}`}`;
}

function zoned(bound: string | null, zone: string): string | null {
  if (bound === null || !isInstant(bound)) return bound;
  const milliseconds = Date.parse(bound);
  // Finer than a second, and years that a Date cannot hold, are shown as given.
  if (!Number.isFinite(milliseconds) || /[.]\d*[1-9]/.test(bound)) return bound;
  const text = formatMoment(milliseconds, zone);
  return milliseconds % 60_000 === 0 ? text : bound;
}

function isInstant(bound: string): boolean {
  return /(Z|[+-]\d{2}(:?\d{2})?)$/.test(bound) && bound.includes('T');
}

function tuple(bound: readonly string[] | null): string | null {
  if (bound === null) return null;
  return bound.length === 1 ? (bound[0] ?? '') : `(${bound.join(', ')})`;
}
