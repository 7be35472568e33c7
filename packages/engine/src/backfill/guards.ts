import type { EstimateQuality, Guard, ProblemRecord, Run, RunEstimate, RunRequest } from '@brimful/model';
import {
  columnGuards,
  extremeGuards,
  gapGuards,
  keylessGuards,
  missingRowsGuards,
  schemaGuards,
} from './guards-data.ts';
import { captureGuard } from './guards-capture.ts';
import { timeGuards } from './guards-time.ts';
import { hasLostChanges } from '../capture/lost-changes.ts';
import type { PlanFacts } from './plan-facts.ts';
import type { RunHold } from './run-hold.ts';
import { holdOf, sharedSubject } from './run-hold.ts';
import { sourceOf } from './plan-facts.ts';

/** Below this much room for its log the source is close to giving our capture up. */
const LOW_WAL_BYTES = 1024 ** 3;

/**
 * All that stands against a run, and what was looked at and found well. What sources and destinations say themselves goes
 * through unchanged; a stale plan is found when it is applied (`driftOf`).
 */
export function guardsOf(request: RunRequest, facts: PlanFacts, estimate: RunEstimate): readonly Guard[] {
  return [
    ...reasonGuard(request),
    ...captureGuard(request, facts),
    ...readableGuards(facts),
    ...wholeTableGuards(request, facts),
    ...timeGuards(request, facts),
    ...keylessGuards(request, facts),
    ...columnGuards(request, facts),
    ...schemaGuards(request, facts),
    ...extremeGuards(facts),
    ...otherRunGuards(request, facts),
    ...retentionGuards(request, facts),
    ...gapGuards(request, facts),
    ...missingRowsGuards(request, facts),
    ...deleteGuards(request, facts),
    ...undoGuard(request),
    ...diskGuard(estimate, facts),
    ...walGuard(request, facts),
    ...sourceGuards(facts),
    ...destinationGuards(request, facts),
  ];
}

/** Whether tables are built beside the live ones and exchanged. */
export function swapsTables({ mode }: RunRequest): boolean {
  return mode === 'reset' || mode === 'materialization';
}

function reasonGuard({ reason, task }: RunRequest): readonly Guard[] {
  if (reason.trim() !== '') return [];
  return [
    {
      id: 'reason',
      level: 'block',
      subject: task,
      message: 'No reason is given.',
      evidence: 'the reason is empty',
      remedy: 'Say why in a few words: it stands in the history for good.',
    },
  ];
}

function readableGuards({ bindings }: PlanFacts): readonly Guard[] {
  return bindings.flatMap(({ collection, survey, tables }): Guard[] => [
    ...(survey === null || survey.problem === null ? [] : [unreadable(survey.problem, collection, 'block')]),
    ...tables.flatMap(({ problem, materialization, table }) =>
      // A destination that is only busy is asked again by the swap, which refuses what it cannot carry.
      problem === null
        ? []
        : [
            unreadable(
              problem,
              `${materialization}: ${table}`,
              problem.kind === 'retry' ? 'confirm' : 'block',
            ),
          ],
    ),
  ]);
}

function unreadable(problem: ProblemRecord, subject: string, level: 'block' | 'confirm'): Guard {
  const { message, code, remedy } = problem;
  return { id: 'unreadable', level, subject, message, evidence: code, remedy };
}

function wholeTableGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (request.mode === 'materialization' || request.scope.kind !== 'all') return [];
  return bindings.map(({ collection, resource, survey }) => ({
    id: 'whole-table',
    level: 'confirm',
    subject: collection,
    message: `Every row of ${resource ?? collection} is read, about ${count(survey?.tableRows.value ?? 0)}.`,
    evidence:
      survey === null
        ? 'the source could not be asked'
        : `${count(survey.tableRows.value)} rows ${QUALITIES[survey.tableRows.quality]}; read: ${survey.readShape}`,
    remedy: 'If some rows are enough: --mode incremental with --time, --key-from or --keys.',
  }));
}

const QUALITIES: Readonly<Record<EstimateQuality, string>> = {
  statistics: 'by its statistics',
  sampled: 'by a sample',
  exact: 'by counting',
  'at least': 'at least',
};

const HOLDS: Readonly<Record<RunHold, string>> = {
  works: 'holds',
  exchanges: 'is about to exchange',
  'cleans up': 'is being taken back from',
};

function holdRemedy({ id, state }: Run, hold: RunHold): string {
  if (hold !== 'works') return 'That takes a moment while `brimful up` runs: then plan again.';
  return state === 'failed' ? `Retry or cancel ${id} first.` : `Wait until ${id} is done, or cancel it.`;
}

/** One rebuild per table at a time; a run still in its undo window gives it up. */
function otherRunGuards(request: RunRequest, { bindings, runs, now }: PlanFacts): readonly Guard[] {
  return runs.flatMap((run): Guard[] => {
    const shared = sharedSubject(bindings, run.plan.bindings);
    if (shared === undefined) return [];
    const evidence = `${run.id} is ${run.state}: ${run.plan.request.reason}`;
    const hold = holdOf(run);
    if (hold !== null) {
      return [
        {
          id: 'one-rebuild',
          level: 'block',
          subject: shared,
          message: `${run.id} ${HOLDS[hold]} ${shared}: only one run at a time may have it.`,
          evidence,
          remedy: holdRemedy(run, hold),
        },
      ];
    }
    if (run.undoUntil === null || run.undoUntil <= now) return [];
    const ends = swapsTables(request);
    return [
      {
        id: ends ? 'ends-undo' : 'undo-takes-back',
        level: ends ? 'confirm' : 'warn',
        subject: shared,
        message: ends
          ? `${run.id} can be ${run.state === 'undone' ? 'redone' : 'undone'} until ${new Date(run.undoUntil).toISOString()}: this run ends that.`
          : `What this run merges into ${shared} is gone again should ${run.id} be undone.`,
        evidence,
        remedy: null,
      },
    ];
  });
}

/** A rebuild from the collection needs its history from the beginning, or what it came to. */
function retentionGuards({ mode }: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (mode !== 'materialization') return [];
  return bindings.map(({ collection, journal, hasBase }): Guard => {
    const whole = journal !== null && (journal.first === 0 || hasBase);
    return {
      id: 'retention',
      level: whole ? 'ok' : 'block',
      subject: collection,
      message: whole
        ? 'The collection holds every row.'
        : journal === null
          ? 'The collection has no history yet.'
          : 'The beginning of the collection’s history was trimmed, and nothing says what it came to.',
      evidence:
        journal === null
          ? 'no journal'
          : `entries ${journal.first} to ${journal.next - 1}${hasBase ? ', and a base' : ', no base'}`,
      remedy: whole ? null : 'Read it anew from the source: --mode reset for the capture.',
    };
  });
}

/** Enforced while the run goes on; here it is written down. */
function deleteGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  const inPlace = request.mode === 'incremental' || request.mode === 'repair';
  if (!inPlace || request.missingRows === 'keep') return [];
  return bindings.map(({ collection, survey }) => {
    const rows = survey?.tableRows.value ?? 0;
    const percent = Number((request.deleteLimit * 100).toPrecision(3));
    return {
      id: 'delete-limit',
      level: 'ok',
      subject: collection,
      message: `It stops and asks before it removes more than ${percent} % of the rows, about ${count(rows * request.deleteLimit)}.`,
      evidence: `${count(rows)} rows`,
      remedy: null,
    };
  });
}

function undoGuard(request: RunRequest): readonly Guard[] {
  if (!swapsTables(request) || request.undoMilliseconds > 0) return [];
  return [
    {
      id: 'no-undo',
      level: 'warn',
      subject: request.task,
      message: 'What is there now is removed after the swap: it cannot be undone.',
      evidence: 'the undo window is 0',
      remedy: 'Give it one: --undo 24h.',
    },
  ];
}

function diskGuard(estimate: RunEstimate, { disk, bindings }: PlanFacts): readonly Guard[] {
  const { peakLocalBytes } = estimate;
  const left = disk.freeBytes - peakLocalBytes;
  const level = left < 0 ? 'block' : left < disk.keepFreeBytes ? 'confirm' : 'ok';
  return [
    {
      id: 'disk',
      level,
      subject: bindings[0]?.collection ?? 'data directory',
      message:
        level === 'ok'
          ? 'There is room in the data directory.'
          : level === 'block'
            ? 'There is not enough room in the data directory.'
            : 'The data directory gets so full that captures pause.',
      evidence: `${megabytes(disk.freeBytes)} free, about ${megabytes(peakLocalBytes)} more at the peak, captures pause below ${megabytes(disk.keepFreeBytes)}`,
      remedy: level === 'ok' ? null : 'Make room, or run over fewer tables at a time with --binding.',
    },
  ];
}

/** The log is drained all the while; but a source that is about to give up does not wait for a plan. */
function walGuard({ mode, task }: RunRequest, facts: PlanFacts): readonly Guard[] {
  const source = sourceOf(facts);
  // What is kept for a stream that is lost serves nobody.
  if (mode === 'materialization' || source === null || hasLostChanges(facts.captureProblem)) return [];
  const { headroomBytes, retainedBytes } = source;
  const low = headroomBytes !== null && headroomBytes < LOW_WAL_BYTES;
  const none = headroomBytes !== null && headroomBytes <= 0;
  return [
    {
      id: 'wal-headroom',
      level: none ? 'block' : low ? 'confirm' : 'ok',
      subject: task,
      message: low
        ? 'The source keeps little more of its log before it gives our capture up.'
        : 'The source has room for its log.',
      evidence: `${retainedBytes === null ? 'unknown' : megabytes(retainedBytes)} kept for us, ${headroomBytes === null ? 'no limit' : `${megabytes(headroomBytes)} more`} possible`,
      remedy: low ? 'Raise max_slot_wal_keep_size, or wait until the capture has caught up.' : null,
    },
  ];
}

function sourceGuards({ bindings }: PlanFacts): readonly Guard[] {
  return bindings.flatMap(({ survey }) => survey?.guards ?? []);
}

/** What a destination says is about a swap; of a merge in place only what is not. */
function destinationGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  const swaps = swapsTables(request);
  return bindings
    .flatMap(({ tables }) => tables.flatMap(({ survey }) => survey?.guards ?? []))
    .filter(({ id }) => swaps || !ABOUT_SWAPS.some((prefix) => id.startsWith(prefix)));
}

const ABOUT_SWAPS = ['dependents', 'destination-'] as const;

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}
