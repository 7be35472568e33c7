import type { Guard, RunRequest, Schema, Scope } from '@brimful/model';
import type { PlanFacts } from './plan-facts.ts';
import { isZone, localOf, offsetAt } from './zone.ts';

type TimeScope = Extract<Scope, { kind: 'time' }>;

/** Bounds in time: that they mean what they say, shown in the zone and in UTC, and that there can be rows in them. */
export function timeGuards({ scope }: RunRequest, facts: PlanFacts): readonly Guard[] {
  if (scope.kind !== 'time') return [];
  return facts.bindings.flatMap(({ collection, survey, schema }) => {
    const shape = survey?.schema ?? schema;
    return shape === null
      ? []
      : [zoneGuard(scope, collection, shape), ...futureGuard(scope, collection, facts.now)];
  });
}

function zoneGuard(scope: TimeScope, collection: string, { columns }: Schema): Guard {
  const type = columns.find(({ name }) => name === scope.column)?.type;
  const bounds = [scope.from, scope.to].filter((bound) => bound !== null);
  const zoned = type?.kind === 'timestamp' && type.zoned;
  const right = isZone(scope.zone) && bounds.every((bound) => bound.endsWith('Z') === zoned);
  return {
    id: 'zone',
    level: right ? 'ok' : 'block',
    subject: collection,
    message: right
      ? `From ${shown(scope.from, scope.zone)} up to, and without, ${shown(scope.to, scope.zone)}.`
      : zoned
        ? `It is not clear in which zone the bounds of ${scope.column} are meant.`
        : `${scope.column} has no zone, and its bounds have one.`,
    evidence: `${scope.from ?? 'open'} to ${scope.to ?? 'open'}, ${scope.zone}`,
    remedy: right ? null : 'Give bounds of the column’s type, and a time zone of the IANA database.',
  };
}

function futureGuard(
  { column, from, to, zone }: TimeScope,
  collection: string,
  now: number,
): readonly Guard[] {
  const isFuture = (bound: string | null): boolean => bound !== null && instantOf(bound, now, zone) > now;
  if (isFuture(from)) {
    return [
      {
        id: 'future',
        level: 'confirm',
        subject: collection,
        message: `The whole range of ${column} lies in the future: there may be no rows in it.`,
        evidence: `from ${from ?? ''}, now ${new Date(now).toISOString()}`,
        remedy: 'Check the year and the zone. Rows that come later are streamed anyway.',
      },
    ];
  }
  if (!isFuture(to)) return [];
  return [
    {
      id: 'incomplete-range',
      level: 'warn',
      subject: collection,
      message: `The range of ${column} ends in the future: what comes after the read is streamed.`,
      evidence: `to ${to ?? ''}, now ${new Date(now).toISOString()}`,
      remedy: null,
    },
  ];
}

/** Where the column has no zone, the clocks of the user's decide: nearest to what they mean. */
function instantOf(bound: string, now: number, zone: string): number {
  if (bound.endsWith('Z')) return Date.parse(bound);
  const local = Date.parse(bound.length === 10 ? bound : `${bound}Z`);
  return isZone(zone) ? local - offsetAt(zone, now) : local;
}

/** In the user's zone and, where it is an instant, in UTC. */
function shown(bound: string | null, zone: string): string {
  if (bound === null) return 'an open end';
  const at = Date.parse(bound);
  if (!bound.endsWith('Z') || !Number.isFinite(at) || !isZone(zone)) return bound;
  const local = new Date(localOf(zone, at)).toISOString().slice(0, 16).replace('T', ' ');
  return `${local} ${zone} (${bound})`;
}
