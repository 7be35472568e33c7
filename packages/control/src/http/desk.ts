import type { OperationName, Session } from '@brimful/api';
import { Problem } from '@brimful/model';
import type { Problem as AnyProblem } from '@brimful/model';
import type { Access } from './access.ts';
import type { AuditLog } from './audit.ts';
import type { Visit } from './gate.ts';
import type { Handlers, SessionOperation, Shelf } from './handlers.ts';
import { handlersOf } from './handlers.ts';
import type { LiveHub } from './live-hub.ts';
import { Metrics } from './metrics.ts';
import { Once } from './once.ts';
import type { Shown } from './shown.ts';

/** At once; more are told to come back. */
export const CALLS_LIMIT = 64;
/** From memory or the registry. */
const QUICK_MILLISECONDS = 15_000;
/** Surveys of many tables, on a source that is busy. */
const PLAN_MILLISECONDS = 300_000;
const SLOW: ReadonlySet<OperationName> = new Set([
  'planBackfill',
  'applyPlan',
  'planPublication',
  'revertPublication',
  'applyPublication',
  'checkConnection',
  'discoverResources',
]);
/**
 * Shown exactly as they come: what a preview shows is the user's data, and the catalog's text comes without its secrets, and
 * has to go back as it was. (Invariant 10)
 */
const EXACT: ReadonlySet<OperationName> = new Set([
  'previewCollection',
  'getCatalog',
  'planPublication',
  'getPublicationPlan',
  'applyPublication',
  'getPublication',
  'revertPublication',
]);

export interface DeskOptions {
  readonly shelf: Shelf;
  readonly hub: LiveHub;
  readonly access: Access;
  readonly audit: AuditLog;
  readonly shown: Shown;
  readonly version: string;
  readonly now: () => number;
}

/** Answers operations: in time, not too many at once, writes once and on record. */
export class Desk {
  readonly hub: LiveHub;
  readonly shown: Shown;
  readonly metrics = new Metrics();
  readonly #options: DeskOptions;
  readonly #handlers: Handlers;
  readonly #once: Once;
  #calls = 0;

  constructor(options: DeskOptions) {
    this.hub = options.hub;
    this.shown = options.shown;
    this.#options = options;
    this.#handlers = handlersOf(options.shelf);
    this.#once = new Once(options.now);
  }

  /** The answer as JSON. Throws what the operation throws, `BRM-API-BUSY`, `BRM-API-TIMEOUT`. */
  async answer(name: OperationName, request: unknown, visit: Visit): Promise<string> {
    if (this.#calls >= CALLS_LIMIT) throw busy();
    this.#calls += 1;
    try {
      const limit = SLOW.has(name) ? PLAN_MILLISECONDS : QUICK_MILLISECONDS;
      const text = await withLimit(this.#answered(name, request, visit), limit);
      this.metrics.answered(name, 200, (this.#options.now() - visit.startedAt) / 1000);
      if (visit.isWrite) await this.#note(visit, 200, null);
      return text;
    } finally {
      this.#calls -= 1;
    }
  }

  /** Refusals of writes are on record too. */
  async refused(visit: Visit | undefined, problem: AnyProblem, status: number): Promise<void> {
    if (visit === undefined) return;
    this.metrics.answered(visit.operation, status, (this.#options.now() - visit.startedAt) / 1000);
    if (visit.isWrite) await this.#note(visit, status, problem.code);
  }

  metricsText(): Promise<string> {
    const { target } = this.#options.shelf;
    return this.metrics.text(target.status(), target.alerts.list(), this.hub.listeners);
  }

  /** Whether every task has begun: what is down elsewhere does not make us less ready. */
  isReady(): boolean {
    const { captures, materializations } = this.#options.shelf.target.status();
    return [...captures, ...materializations].every(({ state }) => state !== 'starting');
  }

  async #answered(name: OperationName, request: unknown, visit: Visit): Promise<string> {
    if (isSession(name)) return JSON.stringify(await this.#session(name, request, visit));
    const { caller } = visit;
    if (caller === undefined) throw new Problem('BRM-BUG', `${name} was let by`, { kind: 'bug' });
    const handler = this.#handlers[name] as (given: unknown, by: typeof caller) => unknown;
    const shown = EXACT.has(name) ? JSON.stringify : this.shown;
    const work = async (): Promise<string> => shown(await handler(request, caller));
    if (!visit.isWrite) return work();
    const asked = [name, JSON.stringify(request)];
    return (await this.#once.answer(visit.idempotencyKey, caller.who, asked, work)).answer;
  }

  async #session(name: SessionOperation, request: unknown, visit: Visit): Promise<Session> {
    const { access, version } = this.#options;
    const authentication = access.isRequired ? 'required' : 'none';
    let { caller } = visit;
    if (name === 'signIn') {
      const { password } = (request as { readonly body: { readonly password: string } }).body;
      const id = await access.signIn(password, visit.address);
      visit.setCookie(id);
      caller = access.caller(undefined, id);
    }
    if (name === 'signOut') {
      if (visit.cookie !== undefined) access.signOut(visit.cookie);
      visit.deleteCookie();
      caller = access.caller(undefined, undefined);
    }
    return { who: caller?.who ?? null, authentication, csrfToken: caller?.csrfToken ?? null, version };
  }

  #note({ operation, caller, address, subject }: Visit, status: number, code: string | null): Promise<void> {
    return this.#options.audit.note({
      at: new Date(this.#options.now()).toISOString(),
      who: caller?.who ?? 'nobody',
      by: caller?.by ?? 'nothing',
      address,
      operation,
      subject,
      status,
      code,
    });
  }
}

function isSession(name: OperationName): name is SessionOperation {
  return name === 'getSession' || name === 'signIn' || name === 'signOut';
}

function withLimit<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(
        new Problem('BRM-API-TIMEOUT', `There was no answer in ${milliseconds / 1000} s.`, { kind: 'retry' }),
      );
    const timer = setTimeout(late, milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function busy(): Problem {
  return new Problem('BRM-API-BUSY', 'Too many others ask at the moment.', {
    kind: 'retry',
    remedy: 'Try again in a moment.',
  });
}
