import type { Logger } from '@brimful/connector';
import type { BackfillPlan, RunRequest, VerificationReport } from '@brimful/model';
import { SCOPE_KEYS_LIMIT } from '@brimful/model';
import type { RepairSubject } from './repair.ts';
import { repairOf } from './repair.ts';
import type { Verified } from './verified.ts';

/** One comparison, and whose repair it would be; undefined: nothing captures it any more. */
export interface Verification extends Verified {
  readonly repairs: RepairSubject | undefined;
}

/** As a run that somebody orders without saying otherwise. */
const DELETE_LIMIT = 0.1;
const UNDO_MILLISECONDS = 24 * 3600 * 1000;

/**
 * Plans a repair for whatever diverged, and tells the reports with their plans. Comparisons of one collection whose keys are
 * read again share one plan: only one run at a time may hold a table. What cannot be planned now (a source that is away)
 * goes without, and is logged.
 */
export async function planRepairs(
  verifications: readonly Verification[],
  author: string,
  backfills: { plan(request: RunRequest): Promise<BackfillPlan> },
  log: Logger,
): Promise<readonly VerificationReport[]> {
  const plans = new Map<Verification, string>();
  for (const { request, mends } of repairRequests(verifications, author)) {
    try {
      const { id } = await backfills.plan(request);
      for (const verification of mends) plans.set(verification, id);
    } catch (error) {
      log.warn({ error, collections: request.bindings }, 'a repair could not be planned');
    }
  }
  return verifications.map((verification) => {
    const repairPlan = plans.get(verification);
    return repairPlan === undefined ? verification.report : { ...verification.report, repairPlan };
  });
}

interface Repair {
  readonly request: RunRequest;
  readonly mends: readonly Verification[];
}

export function repairRequests(verifications: readonly Verification[], author: string): readonly Repair[] {
  const repairs: Repair[] = [];
  for (const verification of verifications) {
    const { repairs: subject } = verification;
    if (subject === undefined) continue;
    const terms = { author, deleteLimit: DELETE_LIMIT, undoMilliseconds: UNDO_MILLISECONDS };
    const wanted = repairOf(verification, subject, terms);
    if (wanted === undefined) continue;
    const request = swaps(wanted) ? wanted : { ...wanted, undoMilliseconds: 0 };
    const index = repairs.findIndex((other) => merged(other.request, request) !== undefined);
    const other = repairs[index];
    const both = other === undefined ? undefined : merged(other.request, request);
    if (other === undefined || both === undefined) repairs.push({ request, mends: [verification] });
    else repairs[index] = { request: both, mends: [...other.mends, verification] };
  }
  return repairs;
}

function swaps({ mode }: RunRequest): boolean {
  return mode === 'reset' || mode === 'materialization';
}

/** Both in one run, where both read keys of the same collection again. */
function merged(a: RunRequest, b: RunRequest): RunRequest | undefined {
  if (a.task !== b.task || a.bindings?.[0] !== b.bindings?.[0]) return undefined;
  if (a.scope.kind !== 'keys' || b.scope.kind !== 'keys') return undefined;
  const keys = new Map([...a.scope.keys, ...b.scope.keys].map((key) => [JSON.stringify(key), key]));
  if (keys.size > SCOPE_KEYS_LIMIT) return undefined;
  const reason = `${a.reason}; ${b.reason}`;
  return { ...a, reason, scope: { kind: 'keys', keys: [...keys.values()] } };
}
