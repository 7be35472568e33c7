import type { BackfillPlan, Guard } from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import type { PageOptions } from './page.ts';
import { hanging, pageWidth } from './page.ts';

type GuardLevel = Guard['level'];

const MARKS: Readonly<Record<GuardLevel, string>> = { block: '✗', confirm: '?', warn: '!', ok: '✓' };
const ORDER: readonly GuardLevel[] = ['block', 'confirm', 'warn', 'ok'];

/** Guards that keep the plan from being applied as it stands. */
export interface Obstacles {
  readonly blocking: readonly Guard[];
  /** To be confirmed, and not acknowledged yet. */
  readonly unconfirmed: readonly Guard[];
}

export function obstacles(
  { guards, request }: BackfillPlan,
  acknowledged: readonly string[] = [],
): Obstacles {
  const accepted = new Set([...request.acknowledged, ...acknowledged]);
  return {
    blocking: guards.filter(({ level }) => level === 'block'),
    unconfirmed: guards.filter(({ level, id }) => level === 'confirm' && !accepted.has(id)),
  };
}

/** The gravest first. What is well takes one line each, without its remedy. */
export function guardLines(plan: BackfillPlan, options: PageOptions): string[] {
  const sorted = [...plan.guards].sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
  return sorted.flatMap((guard) => oneGuard(guard, plan.request.acknowledged.includes(guard.id), options));
}

function oneGuard(guard: Guard, acknowledged: boolean, options: PageOptions): string[] {
  const { colors } = options;
  const width = pageWidth(options);
  const mark = paint(guard.level, colors)(MARKS[guard.level]);
  const evidence =
    guard.evidence === '' ? [] : hanging(`      ${colors.dim('seen:')} `, guard.evidence, width);
  if (guard.level === 'ok') {
    return hanging(`  ${mark} `, `${guard.id}, ${guard.subject}: ${guard.message}`, width);
  }
  const lines = hanging(`  ${mark} `, `${guard.id}, ${guard.subject}: ${guard.message}`, width);
  const remedy = guard.remedy === null ? [] : hanging('      → ', guard.remedy, width);
  return [...lines, ...evidence, ...remedy, ...confirmation(guard, acknowledged)];
}

function confirmation(guard: Guard, acknowledged: boolean): string[] {
  if (guard.level !== 'confirm') return [];
  return [
    acknowledged ? '      acknowledged' : `      → if that is what you want: --acknowledge ${guard.id}`,
  ];
}

function paint(level: GuardLevel, colors: Colors): (text: string) => string {
  switch (level) {
    case 'block':
      return (text) => colors.red(colors.bold(text));
    case 'confirm':
      return (text) => colors.yellow(colors.bold(text));
    case 'warn':
      return colors.yellow;
    case 'ok':
      return colors.green;
  }
}
