import type { EstimateQuality, EstimatedNumber, Run, RunEstimate, RunRequest } from '@brimful/model';
import type { BindingFacts, PlanFacts } from './plan-facts.ts';
import { sourceOf } from './plan-facts.ts';
import type { MeasuredRead } from '../capture/reading-time.ts';
import { priceOf } from './price.ts';
import { accuracyOf, workingSeconds } from './progress.ts';
import { comparesInPlace } from './stages.ts';

/** Before anything was measured here: what one reader decodes, and what a destination loads. Both are cautious. */
const DEFAULT_READ_BYTES_PER_SECOND = 20e6;
const DEFAULT_LOAD_ROWS_PER_SECOND = 150_000;
/** Of a destination's table with its collection. */
const DEFAULT_COMPARED_ROWS_PER_SECOND = 150_000;
/** Connections, the last catch-up, the swap. */
const FIXED_SECONDS = 2;
/** A run takes from so much to so much of what is expected. */
const SHORTEST = 0.5;
const LONGEST = 2;
/** Of decoded bytes, in compressed segments and scratch files. */
const LOCAL_SHARE = 0.5;
/** Of so many runs of the same mode the middle speed counts. */
const RUNS_COUNTED = 5;
/** Shorter runs say more about their fixed part than about speed. */
const TELLING_SECONDS = 1;
/** Runs over fewer rows are over before they have a speed, whatever they waited for. */
const TELLING_ROWS = 50_000;

/** What the run will read, write, take and cost. Quality marks say how far each number can be trusted. */
export function estimateOf(request: RunRequest, facts: PlanFacts): RunEstimate {
  const swaps = request.mode === 'reset' || request.mode === 'materialization';
  const rows = sum(facts.bindings.map(rowsOf));
  const bytes = sum(facts.bindings.map(bytesOf));
  const writes = facts.bindings.map((binding) => ({
    rows: rowsOf(binding).value * binding.tables.length,
    bytes: bytesOf(binding).value * binding.tables.length,
  }));
  const destinationRowsWritten = total(writes.map((write) => write.rows));
  const destinationBytesWritten = total(writes.map((write) => write.bytes));
  const sourceBytesRead = total(facts.bindings.map(({ survey }) => survey?.bytesRead ?? 0));
  const { seconds, basedOn } = durationOf(request, facts, rows, bytes.value, destinationRowsWritten);
  const source = sourceOf(facts);
  const peakLocalBytes = Math.round(bytes.value * LOCAL_SHARE);
  const peakDestinationBytes = swaps ? nextTableBytes(facts) : 0;
  return {
    rows,
    bytes,
    seconds,
    sourceBytesRead,
    walBytes: source?.retainedBytes ?? 0,
    walHeadroomBytes: source?.headroomBytes ?? null,
    destinationRowsWritten,
    destinationBytesWritten,
    peakLocalBytes,
    peakDestinationBytes,
    price:
      facts.prices === null
        ? null
        : priceOf(
            {
              sourceBytesRead,
              destinationBytesWritten,
              destinationRowsWritten,
              storedBytes: peakLocalBytes + peakDestinationBytes,
              storedMilliseconds: request.undoMilliseconds + seconds.to * 1000,
            },
            facts.prices,
          ),
    downtimeSeconds: 0,
    basedOn,
  };
}

/** In scope: by the source, or for a rebuild from the collection whatever is known of that. */
export function rowsOf({ survey, collectionRows, tables }: BindingFacts): EstimatedNumber {
  if (survey !== null) return survey.rows;
  if (collectionRows !== null) return collectionRows;
  const known = tables.map((table) => table.survey?.rows ?? null).filter((rows) => rows !== null);
  return { value: Math.max(0, ...known), quality: known.length === 0 ? 'at least' : 'statistics' };
}

/** Decoded. */
export function bytesOf({ survey, journal, tables }: BindingFacts): EstimatedNumber {
  if (survey !== null) return survey.bytes;
  const known = tables.map((table) => table.survey?.bytes ?? null).filter((bytes) => bytes !== null);
  if (known.length > 0) return { value: Math.max(...known), quality: 'statistics' };
  return { value: journal?.bytes ?? 0, quality: 'at least' };
}

/** The next tables beside the present ones. */
function nextTableBytes({ bindings }: PlanFacts): number {
  return total(
    bindings.flatMap((binding) =>
      binding.tables.map((table) => Math.max(table.survey?.bytes ?? 0, bytesOf(binding).value)),
    ),
  );
}

function durationOf(
  request: RunRequest,
  facts: PlanFacts,
  rows: EstimatedNumber,
  bytes: number,
  destinationRows: number,
): Pick<RunEstimate, 'seconds' | 'basedOn'> {
  const past = pastSpeed(request, facts);
  const { firstRead } = facts;
  const measured = past === null ? null : rows.value / past.rowsPerSecond;
  const worked =
    firstRead === null
      ? bytes / DEFAULT_READ_BYTES_PER_SECOND + destinationRows / DEFAULT_LOAD_ROWS_PER_SECOND
      : // Destinations loaded meanwhile then, and will now.
        Math.max(asFirstRead(firstRead, rows.value, bytes), destinationRows / DEFAULT_LOAD_ROWS_PER_SECOND);
  const assumed = worked + comparingSeconds(request, firstRead, rows.value, bytes, destinationRows);
  const { bytesPerSecond } = request.throttle;
  const isThrottled = bytesPerSecond !== null && bytesPerSecond > 0 && request.mode !== 'materialization';
  const throttled = isThrottled ? ((comparesSource(request) ? 2 : 1) * bytes) / bytesPerSecond : 0;
  const expected = FIXED_SECONDS + Math.max(measured ?? assumed, throttled);
  return {
    seconds: {
      from: expected * SHORTEST,
      to: expected * LONGEST,
      quality: worst([rows.quality, past === null ? 'statistics' : 'sampled']),
    },
    basedOn:
      past === null
        ? `${basisOf(firstRead)} and a default of ${DEFAULT_LOAD_ROWS_PER_SECOND} rows/s loaded`
        : `the speed of the last ${past.count === 1 ? 'run' : `${past.count} runs`}${lastError(request, facts)}`,
  };
}

/** What was built is compared, whichever the level: the source is read once more, and each table. */
function comparingSeconds(
  request: RunRequest,
  firstRead: MeasuredRead | null,
  rows: number,
  bytes: number,
  destinationRows: number,
): number {
  const reading =
    firstRead === null ? bytes / DEFAULT_READ_BYTES_PER_SECOND : asFirstRead(firstRead, rows, bytes);
  const tables = rows === 0 ? 0 : destinationRows / rows;
  // Both are our own work: where a first read is slower than usual, so is this.
  const table = Math.max(firstRead === null ? 0 : reading, rows / DEFAULT_COMPARED_ROWS_PER_SECOND);
  return (comparesSource(request) ? reading : 0) + (comparesTables(request) ? tables * table : 0);
}

function comparesSource({ mode }: RunRequest): boolean {
  return mode === 'reset';
}

function comparesTables(request: RunRequest): boolean {
  return request.mode === 'reset' || request.mode === 'materialization' || comparesInPlace(request);
}

/** Narrow rows take their time by the row, wide ones by the byte. */
function asFirstRead(first: MeasuredRead, rows: number, bytes: number): number {
  return (Math.max(rows / first.rows, bytes / Math.max(1, first.bytes)) * first.milliseconds) / 1000;
}

function basisOf(first: MeasuredRead | null): string {
  if (first === null) return `a default of ${DEFAULT_READ_BYTES_PER_SECOND / 1e6} MB/s read`;
  const megabytesPerSecond = first.bytes / 1e3 / first.milliseconds;
  return `the ${Number(megabytesPerSecond.toPrecision(2))} MB/s of the first read`;
}

/** The middle speed of the last runs of this mode and task that came to an end, all their work included. */
function pastSpeed(
  request: RunRequest,
  { runs, now }: PlanFacts,
): { readonly rowsPerSecond: number; readonly count: number } | null {
  const speeds = runs
    .filter((run) => isAlike(run, request))
    .filter(({ state }) => state === 'done' || state === 'swapped' || state === 'undone')
    .flatMap((run) => {
      const seconds = workingSeconds(run, now) ?? 0;
      const rows = run.bindings.reduce((all, { rowsRead }) => all + rowsRead, 0);
      return seconds < TELLING_SECONDS || rows < TELLING_ROWS
        ? []
        : [rows / Math.max(TELLING_SECONDS, seconds - FIXED_SECONDS)];
    })
    .slice(0, RUNS_COUNTED)
    .sort((a, b) => a - b);
  const middle = speeds[Math.floor(speeds.length / 2)];
  return middle === undefined ? null : { rowsPerSecond: middle, count: speeds.length };
}

/** Of the same task, with the same kinds of work. */
function isAlike({ mode, plan }: Run, request: RunRequest): boolean {
  return (
    mode === request.mode &&
    plan.request.task === request.task &&
    comparesTables(plan.request) === comparesTables(request)
  );
}

/** How wrong the last estimate was. */
function lastError(request: RunRequest, { runs, now }: PlanFacts): string {
  const last = runs.find((run) => isAlike(run, request) && accuracyOf(run, now) !== null);
  const seconds = last === undefined ? null : (accuracyOf(last, now)?.seconds ?? null);
  return seconds === null
    ? ''
    : `; the last one was estimated at ${Number(seconds.toPrecision(2))} times what it took`;
}

/** From what is surest to what is least sure: a sum is as good as its worst part. */
const QUALITIES: readonly EstimateQuality[] = ['exact', 'sampled', 'statistics', 'at least'];

function worst(qualities: readonly EstimateQuality[]): EstimateQuality {
  return QUALITIES[Math.max(0, ...qualities.map((quality) => QUALITIES.indexOf(quality)))] ?? 'exact';
}

function sum(numbers: readonly EstimatedNumber[]): EstimatedNumber {
  return {
    value: total(numbers.map(({ value }) => value)),
    quality: worst(numbers.map(({ quality }) => quality)),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
