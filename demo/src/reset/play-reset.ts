import type { BackfillPlan, Run, RunProposal, RunState, VerificationReport } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Output, Pipe } from 'brimful';
import { formatMilliseconds, isPass, planText, plural, verificationPage } from 'brimful';
import { Client } from 'pg';
import type { Environment } from '../environment.ts';
import type { Stage } from '../stage.ts';
import type { Watch } from '../watch.ts';
import type { Reader, ReaderExperience } from './reader.ts';
import { startReader } from './reader.ts';

/** Who and what the scene needs. */
export interface Scene {
  readonly environment: Environment;
  readonly pipe: Pipe;
  readonly watch: Watch;
  readonly stage: Stage;
  readonly output: Output;
}

export interface ResetOutcome {
  readonly reports: readonly VerificationReport[];
  readonly reader: ReaderExperience;
  /** Everything compared was equal, and the reader saw a whole table at every look. */
  readonly passed: boolean;
}

const CAPTURE = 'shop/postgres';
const COLLECTION = 'shop/reviews';
const TABLE = 'reviews';
const ALTER = 'ALTER TABLE reviews ALTER COLUMN stars TYPE numeric(3,1) USING stars * 2';
const REASON = 'stars are of ten now, with halves';
const AUTHOR = 'demo';
const WIDEST_PAGE = 100;
/** Without a writer nothing tells the stream of another shape. */
const OFFER_MILLISECONDS = 5000;

/**
 * A column's type changes at the source, by an ALTER that computes every row anew and that no log tells. The table is
 * reset while the writer goes on and a reader looks all the time; then the swap is undone and redone. Undefined: the
 * audience left.
 */
export async function playReset(scene: Scene): Promise<ResetOutcome | undefined> {
  const { environment, stage, watch } = scene;
  stage.say(
    `\nThe shop gives up to ten stars now, with halves; the log says nothing of the rows this changes:`,
  );
  await stage.step(`  ${ALTER}`, () => alter(environment.sourceUrl));
  if (!(await showOffer(scene))) return undefined;
  const plan = await makePlan(scene);
  const reader = await startReader(environment.replicaUrl, TABLE);
  watch.aside = () => readerText(reader.experience);
  try {
    const run = await apply(scene, plan);
    if (!(await becomes(scene, run, 'swapped'))) return undefined;
    stage.say(`✓ ${run} has read ${TABLE} again and swapped it in, in both destinations.`);
    const reports = await verify(scene);
    for (const [verb, state] of [
      ['undo', 'undone'],
      ['redo', 'swapped'],
    ] as const) {
      stage.say(`$ brimful backfill ${verb} ${run}`);
      await scene.pipe.backfills.order(run, { verb, who: AUTHOR, why: null });
      if (!(await becomes(scene, run, state))) return undefined;
    }
    return await outcomeOf(scene, reports, reader);
  } finally {
    watch.aside = undefined;
    await reader.stop();
  }
}

/** The scene in one line, for the end. */
export function resetText({ reports, reader, passed }: ResetOutcome): string {
  const equal = reports.filter(isPass).length;
  const sentence = `${TABLE} reset, swapped in, undone and redone under a reader (${readerText(reader)}); ${equal} of ${plural(reports.length, 'comparison')} equal.`;
  return `${passed ? 'RUN PASSED' : 'RUN FAILED'}: ${sentence}`;
}

function readerText({ queries, errors, partial, longestMilliseconds }: ReaderExperience): string {
  return `${plural(queries, 'look')}, ${plural(errors, 'error')}, ${partial} at a part, longest ${formatMilliseconds(longestMilliseconds)}`;
}

async function alter(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(ALTER);
    // What a release does after a change like this; estimates are the better for it.
    await client.query(`ANALYZE ${TABLE}`);
  } finally {
    await client.end();
  }
}

/** As soon as the stream comes upon the change, the table's status offers a run. False when the audience left. */
async function showOffer({ watch, stage }: Scene): Promise<boolean> {
  const until = performance.now() + OFFER_MILLISECONDS;
  let offer: RunProposal | undefined;
  const stays = await watch.until(({ captures }) => {
    offer = captures[0]?.bindings.find(({ collection }) => collection === COLLECTION)?.proposal;
    return offer !== undefined || performance.now() > until;
  });
  if (offer !== undefined) stage.say(`✓ brimful status: ${offer.sentence}\n    ${offer.command}\n`);
  return stays;
}

async function makePlan({ pipe, stage, output }: Scene): Promise<BackfillPlan> {
  stage.say(
    `$ brimful backfill plan ${CAPTURE} --binding ${COLLECTION} --mode reset --undo 1h --reason "${REASON}"`,
  );
  const plan = await pipe.backfills.plan({
    mode: 'reset',
    task: CAPTURE,
    bindings: [COLLECTION],
    undo: '1h',
    reason: REASON,
    author: AUTHOR,
  });
  const columns = Math.min(stage.screen?.columns ?? WIDEST_PAGE, WIDEST_PAGE);
  stage.say(`${planText(plan, { columns, colors: output.colors })}\n`);
  return plan;
}

/** Whatever only wants to be acknowledged is; what blocks the plan is refused with its reason. */
async function apply({ pipe, stage }: Scene, plan: BackfillPlan): Promise<string> {
  const confirms = plan.guards.filter(({ level }) => level === 'confirm').map(({ id }) => id);
  const acknowledged = [...new Set(confirms)];
  const flags = acknowledged.map((id) => ` --acknowledge ${id}`).join('');
  stage.say(`$ brimful backfill apply ${plan.id}${flags}`);
  const { id } = await pipe.backfills.apply(plan.id, { who: AUTHOR, acknowledged });
  return id;
}

/** False when the audience left first. */
function becomes({ pipe, watch }: Scene, id: string, state: RunState): Promise<boolean> {
  return watch.until(async () => {
    const run = await pipe.backfills.run(id);
    if (run.state === 'failed' || run.state === 'cancelled') throw failure(run);
    return run.state === state && run.intent === null;
  });
}

function failure(run: Run): Problem {
  const why = run.bindings.flatMap(({ problem }) => (problem === null ? [] : [problem.message]));
  return new Problem('BRM-DEMO-FAILED', `${run.id} is ${run.state}: ${run.because ?? ''} ${why.join('; ')}`);
}

async function verify({ pipe, stage, output }: Scene): Promise<readonly VerificationReport[]> {
  stage.say(`$ brimful verify ${COLLECTION}`);
  const request = { target: COLLECTION, bindings: null, level: 'full' } as const;
  const reports = await pipe.verify(request, new AbortController().signal);
  stage.say(verificationPage(reports, { columns: WIDEST_PAGE, colors: output.colors }).join('\n'));
  return reports;
}

async function outcomeOf(
  { stage }: Scene,
  reports: readonly VerificationReport[],
  reader: Reader,
): Promise<ResetOutcome> {
  await reader.stop();
  const { experience } = reader;
  const passed = experience.errors === 0 && experience.partial === 0 && reports.every(isPass);
  stage.say(
    `${passed ? '✓' : '✗'} Undone and redone. Somebody read ${TABLE} all the while: ${readerText(experience)}.`,
  );
  return { reports, reader: experience, passed };
}
