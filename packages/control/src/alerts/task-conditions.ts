import type {
  AlertSubject,
  CaptureBindingStatus,
  CaptureStatus,
  MaterializationBindingStatus,
  MaterializationStatus,
  ProblemRecord,
} from '@brimful/model';
import type { Sight } from './sight.ts';
import { isAbove } from './sight.ts';
import { bytesText, timeText } from './amount.ts';
import type { Condition } from './condition.ts';
import { taskKey } from './standstill.ts';

type Kind = 'capture' | 'materialization';
type Task = CaptureStatus | MaterializationStatus;

/** More tables than this of one task are told together: a thousand alerts are read by nobody. */
const TABLES_TOLD = 10;
/** From so many times its limit on a lag is critical. */
const CRITICAL_FACTOR = 4;

export function captureConditions(task: CaptureStatus, sight: Sight, news: number, now: number): Condition[] {
  const failed = task.bindings.filter(({ phase }) => phase === 'failed' || phase === 'gap');
  return [
    ...ofTask('capture', task, sight, now),
    ...slotLag(task, sight),
    ...failedTables('capture', task.name, failed),
    ...task.bindings.flatMap((binding) => schemaChange(binding, news)),
  ];
}

export function materializationConditions(
  task: MaterializationStatus,
  sight: Sight,
  now: number,
): Condition[] {
  const failed = task.bindings.filter(({ phase }) => phase === 'failed');
  return [
    ...ofTask('materialization', task, sight, now),
    ...tableLag(task, sight),
    ...failedTables('materialization', task.name, failed),
  ];
}

function ofTask(kind: Kind, task: Task, { standstill, limits }: Sight, now: number): Condition[] {
  const { name, state, problem } = task;
  const subject: AlertSubject = { kind, name };
  if (state === 'failed') {
    return [
      {
        ...standing('task failed', `task-failed:${name}`, subject),
        severity: 'critical',
        sentence: `${name} has stopped: ${problem?.message ?? task.sentence}`,
        remedy: problem?.remedy ?? null,
      },
    ];
  }
  const since = standstill.get(taskKey(kind, name))?.since ?? now;
  const still = now - since;
  if (still <= limits.stalledMilliseconds) return [];
  const waits = 'waiting' in task && task.waiting !== undefined ? task.waiting : undefined;
  const why = problem?.message ?? waits ?? task.sentence;
  return [
    {
      ...standing('stalled', `stalled:${name}`, subject),
      severity: 'critical',
      sentence:
        state === 'running'
          ? `${name} has work and has made no progress for ${timeText(still)}: ${why}`
          : `${name} has been ${state} for ${timeText(still)}: ${why}`,
      remedy:
        problem?.remedy ?? 'Look at its page and its log lines; `brimful check` looks for what is missing.',
    },
  ];
}

function slotLag(task: CaptureStatus, { limits, open }: Sight): Condition[] {
  const { name, lagBytes = 0, lagMilliseconds = 0 } = task;
  const id = `slot-lag:${name}`;
  const { retainedLogBytes, lagMilliseconds: longest } = limits;
  const isLarge = isAbove(lagBytes, retainedLogBytes, open.has(id));
  const isOld = isAbove(lagMilliseconds, longest, open.has(id));
  if (!isLarge && !isOld) return [];
  const isCritical =
    lagBytes > retainedLogBytes * CRITICAL_FACTOR || lagMilliseconds > longest * CRITICAL_FACTOR;
  return [
    {
      ...standing('slot lag', id, { kind: 'capture', name }),
      severity: isCritical ? 'critical' : 'warning',
      sentence: `${name} is ${timeText(lagMilliseconds)} behind its source, which keeps ${bytesText(lagBytes)} of log for it.`,
      remedy:
        'See on its page what holds it: a paused disk, runs that read, or a source that writes more than is journaled. Pause runs to let the stream go first.',
    },
  ];
}

function tableLag(task: MaterializationStatus, { limits, open }: Sight): Condition[] {
  const { name, bindings } = task;
  const id = `table-lag:${name}`;
  const late = bindings
    .filter(({ phase, lagMilliseconds = 0 }) => {
      return phase !== 'failed' && isAbove(lagMilliseconds, limits.lagMilliseconds, open.has(id));
    })
    .toSorted((left, right) => (right.lagMilliseconds ?? 0) - (left.lagMilliseconds ?? 0));
  const [worst] = late;
  if (worst === undefined) return [];
  const { table, lagMilliseconds = 0 } = worst;
  const others = late.length === 1 ? '' : `, and ${late.length - 1} more of its tables are late`;
  return [
    {
      ...standing('table lag', id, { kind: 'materialization', name, table }),
      severity: lagMilliseconds > limits.lagMilliseconds * CRITICAL_FACTOR ? 'critical' : 'warning',
      sentence: `${table} in ${name} shows what was true ${timeText(lagMilliseconds)} ago${others}.`,
      remedy: 'See whether the destination can be written to, and is as quick as it was.',
    },
  ];
}

function failedTables(
  kind: Kind,
  name: string,
  failed: readonly (CaptureBindingStatus | MaterializationBindingStatus)[],
): Condition[] {
  if (failed.length > TABLES_TOLD) {
    const [first] = failed;
    const own = standing('table failed', `tables-failed:${name}`, { kind, name });
    const message = first?.problem?.message ?? 'its page says why';
    return [
      {
        ...own,
        severity: 'critical',
        sentence: `${failed.length} tables of ${name} have stopped; the first: ${message}`,
        remedy: first?.problem?.remedy ?? null,
      },
    ];
  }
  return failed.map((binding) => {
    const table = 'resource' in binding ? binding.resource : binding.table;
    return {
      ...standing('table failed', `table-failed:${name}:${table}`, { kind, name, table }),
      severity: 'critical',
      sentence: `${table} of ${name} has ${binding.phase === 'gap' ? 'lost changes' : 'stopped'}: ${why(binding.problem)}`,
      remedy: remedyOf(binding),
    };
  });
}

function remedyOf(binding: CaptureBindingStatus | MaterializationBindingStatus): string | null {
  const proposal = 'proposal' in binding ? binding.proposal : undefined;
  return proposal?.command ?? binding.problem?.remedy ?? null;
}

function why(problem: ProblemRecord | undefined): string {
  return problem?.message ?? 'its page says why';
}

function schemaChange({ collection, schema }: CaptureBindingStatus, news: number): Condition[] {
  if (schema?.change === undefined || schema.registeredAt === undefined || schema.registeredAt < news)
    return [];
  const { version, registeredAt, change } = schema;
  const id = `schema-change:${collection}:${version}`;
  return [
    {
      id,
      kind: 'schema change',
      severity: change.isWidening ? 'info' : 'warning',
      subject: { kind: 'collection', name: collection },
      sentence: `Version ${version} of ${collection} ${change.sentence}.`,
      remedy: change.isWidening ? null : 'See whether those who read its tables know.',
      lasts: 'until seen',
      event: `${id} ${registeredAt}`,
    },
  ];
}

function standing(
  kind: Condition['kind'],
  id: string,
  subject: AlertSubject,
): Pick<Condition, 'id' | 'kind' | 'subject' | 'lasts' | 'event'> {
  return { id, kind, subject, lasts: 'while so', event: null };
}
