import {
  planApproval,
  publicationDraft,
  revertRequest,
  runDraft,
  runOrder,
  secretName,
  secretValue,
  verificationRequest,
} from '@brimful/api';
import type { RunDraft, RunOrder } from '@brimful/engine';
import { Problem } from '@brimful/model';
import { z } from 'zod';
import type {
  CatalogCalls,
  CatalogDraft,
  ControlTarget,
  SecretCalls,
  VerifyRequest,
} from './control-target.ts';
import { verifying } from './verifying.ts';

/**
 * Everything that can be asked of a pipe, whatever carries it: each request is validated here, and nowhere else. A call
 * has one answer; a stream has items until it ends or its signal is aborted.
 */
export interface Call {
  /** After so long it is given up; what it does may still happen. */
  readonly limitMilliseconds: number;
  /** Throws `BRM-CONTROL-REQUEST`, and what the target throws. */
  answer(target: ControlTarget, request: unknown): Promise<unknown>;
}

export interface Stream {
  /** Throws like a call, also between items. */
  items(target: ControlTarget, request: unknown, signal: AbortSignal): AsyncIterable<unknown>;
}

/** From memory or the registry. */
const QUICK_MILLISECONDS = 15_000;
/** Surveys of many tables, on a source that is busy. */
const PLAN_MILLISECONDS = 300_000;

const TEXT_LIMIT = 10_000;

const text = z.string().max(TEXT_LIMIT);
const nothing = z.strictObject({});
const byId = z.strictObject({ id: text });
const byNumber = z.strictObject({ number: z.int() });
const byApprover = z.strictObject({ id: text, who: text });

/** As over HTTP; but here callers say who they are: only the owner's processes can be callers. */
const draft: z.ZodType<RunDraft> = runDraft.extend({ author: text });
const approval = planApproval.extend({ planId: text, who: text });
const order = runOrder.extend({ id: text, who: text });
const verify: z.ZodType<VerifyRequest> = verificationRequest.extend({ author: text.optional() });

const catalogDraft: z.ZodType<CatalogDraft> = publicationDraft.extend({ author: text });
const revert = revertRequest.extend({ author: text, number: z.int() });

const secret = secretValue.extend({ who: text });
const byName = z.strictObject({ name: secretName });

export const CALLS = {
  status: call(nothing, QUICK_MILLISECONDS, async (target) => target.status()),
  'backfills/plan': call(draft, PLAN_MILLISECONDS, (target, request) => target.backfills.plan(request)),
  'backfills/find-plan': call(byId, QUICK_MILLISECONDS, (target, { id }) => target.backfills.findPlan(id)),
  'backfills/plans': call(nothing, QUICK_MILLISECONDS, (target) => target.backfills.plans()),
  // It looks at source and destinations again, to compare.
  'backfills/apply': call(approval, PLAN_MILLISECONDS, (target, { planId, who, acknowledged }) =>
    target.backfills.apply(planId, { who, acknowledged }),
  ),
  'backfills/runs': call(nothing, QUICK_MILLISECONDS, (target) => target.backfills.runs()),
  'backfills/run': call(byId, QUICK_MILLISECONDS, (target, { id }) => target.backfills.run(id)),
  'backfills/order': call(order, QUICK_MILLISECONDS, (target, { id, ...given }) =>
    target.backfills.order(id, orderOf(given)),
  ),
  'catalog/read': call(nothing, QUICK_MILLISECONDS, (target) => catalogOf(target).read()),
  // It looks at sources and destinations that are new or other.
  'catalog/plan': call(catalogDraft, PLAN_MILLISECONDS, (target, draft) => catalogOf(target).plan(draft)),
  'catalog/find-plan': call(byId, QUICK_MILLISECONDS, (target, { id }) => catalogOf(target).findPlan(id)),
  // It waits until what runs has stopped in order, and the other has started.
  'catalog/apply': call(byApprover, PLAN_MILLISECONDS, (target, { id, who }) =>
    catalogOf(target).apply(id, { who, origin: 'command line' }),
  ),
  'catalog/list': call(nothing, QUICK_MILLISECONDS, (target) => catalogOf(target).list()),
  'catalog/find': call(byNumber, QUICK_MILLISECONDS, (target, { number }) => catalogOf(target).find(number)),
  'catalog/revert': call(revert, PLAN_MILLISECONDS, (target, { number, ...given }) =>
    catalogOf(target).planRevert(number, given),
  ),
  'secrets/list': call(nothing, QUICK_MILLISECONDS, (target) => secretsOf(target).list()),
  'secrets/put': call(secret, QUICK_MILLISECONDS, (target, { name, value, who }) =>
    secretsOf(target).put(name, value, who),
  ),
  'secrets/remove': call(byName, QUICK_MILLISECONDS, async (target, { name }) => {
    await secretsOf(target).remove(name);
    return null;
  }),
} as const satisfies Readonly<Record<string, Call>>;

export const STREAMS = {
  'backfills/watch': stream(nothing, (target, _request, signal) => target.backfills.watch(signal)),
  verify: stream(verify, verifying),
} as const satisfies Readonly<Record<string, Stream>>;

export type CallName = keyof typeof CALLS;
export type StreamName = keyof typeof STREAMS;

function catalogOf({ catalog }: ControlTarget): CatalogCalls {
  if (catalog !== undefined) return catalog;
  throw new Problem('BRM-CATALOG-NONE', 'What runs here has no file that could be changed.');
}

function secretsOf({ secrets }: ControlTarget): SecretCalls {
  if (secrets !== undefined) return secrets;
  throw new Problem('BRM-SECRET-NONE', 'What runs here keeps no secrets.');
}

function call<Request>(
  schema: z.ZodType<Request>,
  limitMilliseconds: number,
  answer: (target: ControlTarget, request: Request) => Promise<unknown>,
): Call {
  return {
    limitMilliseconds,
    answer: async (target, request) => answer(target, parsed(schema, request)),
  };
}

function stream<Request>(
  schema: z.ZodType<Request>,
  items: (target: ControlTarget, request: Request, signal: AbortSignal) => AsyncIterable<unknown>,
): Stream {
  return { items: (target, request, signal) => items(target, parsed(schema, request), signal) };
}

function parsed<Request>(schema: z.ZodType<Request>, request: unknown): Request {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'The request' : issue.path.join('.');
  throw new Problem('BRM-CONTROL-REQUEST', `${where}: ${issue?.message ?? 'it is not valid'}.`, {
    remedy: 'Use a brimful of the version that runs the pipe.',
  });
}

function orderOf({ collection, throttle, ...rest }: Omit<z.output<typeof order>, 'id'>): RunOrder {
  return {
    ...rest,
    ...(collection === undefined ? {} : { collection }),
    ...(throttle === undefined ? {} : { throttle }),
  };
}
