import type { Publication, PublicationPlan } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { ServerClient } from '../server/server-client.ts';
import { problemOf } from '../server/server-problem.ts';

/** A server that starts again reads journals and opens connections. */
const WAIT_LIMIT_MILLISECONDS = 180_000;
const ASK_MILLISECONDS = 1000;
const LOOK_BACK = 10;
/** A server that answers and knows nothing of it after this many questions never got it. */
const UNHEARD_LIMIT = 5;

/** What is known while it is on its way. `silent`: the server does not answer at this moment. */
export type Applying = 'asked' | 'silent' | 'applying';

/**
 * Applies a plan and waits until it took effect or was refused, also when the connection breaks meanwhile: the history says
 * what became of it. Throws `Problem` when it was refused, or when nothing can be found out.
 */
export async function applied(
  client: ServerClient,
  plan: PublicationPlan,
  tell: (state: Applying) => void,
): Promise<Publication> {
  tell('asked');
  const first = await answerOf(client, plan);
  if (first !== undefined && first.state !== 'applying') return settledOr(first);
  const until = Date.now() + WAIT_LIMIT_MILLISECONDS;
  let unheard = 0;
  while (Date.now() < until && unheard < UNHEARD_LIMIT) {
    await new Promise((resolve) => setTimeout(resolve, ASK_MILLISECONDS));
    const found = await lookedUp(client, plan);
    if (found === 'silent') {
      tell('silent');
      continue;
    }
    if (found === undefined) {
      unheard += 1;
      continue;
    }
    if (found.state !== 'applying') return settledOr(found);
    tell('applying');
  }
  throw new Problem('BRM-WEB-PUBLICATION', 'It cannot be said what became of this publication.', {
    kind: 'retry',
    remedy: 'Look at the publications and at the sources before you publish again.',
  });
}

/** Undefined: it is not known whether it arrived. */
async function answerOf(client: ServerClient, plan: PublicationPlan): Promise<Publication | undefined> {
  try {
    return await client.applyPublication(plan.id);
  } catch (thrown) {
    if (isSilence(thrown)) return undefined;
    throw thrown;
  }
}

async function lookedUp(
  client: ServerClient,
  { revision, createdAt }: PublicationPlan,
): Promise<Publication | 'silent' | undefined> {
  try {
    const recent = await client.publications(LOOK_BACK);
    const summary = recent.find((one) => one.revision === revision && one.at >= createdAt);
    return summary === undefined ? undefined : await client.publication(summary.number);
  } catch (thrown) {
    if (isSilence(thrown)) return 'silent';
    throw thrown;
  }
}

function isSilence(thrown: unknown): boolean {
  const { code } = problemOf(thrown);
  return code === 'BRM-API-UNREACHABLE' || code === 'BRM-WEB-TIMEOUT';
}

function settledOr(publication: Publication): Publication {
  const { state, problem } = publication;
  if (state === 'applied') return publication;
  throw new Problem(
    problem?.code ?? 'BRM-WEB-PUBLICATION',
    problem?.message ?? 'The publication did not take effect. What was before runs on.',
    {
      kind: problem?.kind ?? 'operator',
      at: problem?.at ?? {},
      remedy: problem?.remedy ?? 'Mend what is said, and publish again.',
    },
  );
}
