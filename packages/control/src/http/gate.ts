import { OPERATIONS } from '@brimful/api';
import type { Operation, OperationName } from '@brimful/api';
import { Problem } from '@brimful/model';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Access, Caller } from './access.ts';
import { SESSION_MILLISECONDS } from './access.ts';
import type { OriginRules } from './origin.ts';
import { checkOrigin } from './origin.ts';

const COOKIE = 'brimful_session';

/** One request, as far as it is not about its content. */
export interface Visit {
  readonly operation: OperationName | 'events' | 'metrics';
  /** Undefined: nobody we know, at an operation that is open to all. */
  readonly caller: Caller | undefined;
  readonly address: string;
  readonly isWrite: boolean;
  readonly startedAt: number;
  readonly idempotencyKey: string | undefined;
  /** The name or id in the path. */
  readonly subject: string | null;
  readonly cookie: string | undefined;
  setCookie(id: string): void;
  deleteCookie(): void;
}

/** The one place where it is decided who may come in. Roles will be decided here. */
export class Gate {
  readonly #access: Access;
  readonly #rules: OriginRules;
  readonly #now: () => number;

  constructor(access: Access, rules: OriginRules, now: () => number) {
    this.#access = access;
    this.#rules = rules;
    this.#now = now;
  }

  /** Throws `BRM-API-HOST`, `BRM-API-ORIGIN`. */
  checkOrigin(context: Context): void {
    checkOrigin(
      {
        method: context.req.method,
        host: context.req.header('host'),
        origin: context.req.header('origin'),
        fetchSite: context.req.header('sec-fetch-site'),
      },
      this.#rules,
    );
  }

  /** Lets in who may come in, and notes who it is. Otherwise throws `BRM-API-SIGN-IN`, `BRM-API-CSRF`, `BRM-API-JSON`. */
  guard(operation: Visit['operation']): MiddlewareHandler {
    const isOpen =
      operation !== 'events' && operation !== 'metrics' && (OPERATIONS[operation] as Operation).open === true;
    return async (context, next) => {
      const cookie = getCookie(context, COOKIE);
      const caller = this.#access.caller(context.req.header('authorization'), cookie);
      const visit = this.#visit(context, operation, caller, cookie);
      context.set('visit', visit);
      if (caller === undefined && !isOpen) throw signIn();
      if (visit.isWrite) {
        const given = context.req.header('x-csrf-token');
        if (caller?.by === 'session' && operation !== 'signIn' && given !== caller.csrfToken) throw forged();
        // A form of another site cannot say that it sends JSON without being asked by the browser first.
        const isJson = context.req.header('content-type')?.split(';')[0]?.trim() === 'application/json';
        if (!isJson) throw notJson();
      }
      await next();
    };
  }

  #visit(
    context: Context,
    operation: Visit['operation'],
    caller: Caller | undefined,
    cookie: string | undefined,
  ): Visit {
    const { method } = context.req;
    return {
      operation,
      caller,
      address: addressOf(context),
      isWrite: method !== 'GET' && method !== 'HEAD',
      startedAt: this.#now(),
      idempotencyKey: context.req.header('idempotency-key'),
      subject: context.req.param('name') ?? context.req.param('id') ?? context.req.param('number') ?? null,
      cookie,
      setCookie: (id) =>
        setCookie(context, COOKIE, id, {
          httpOnly: true,
          sameSite: 'Strict',
          path: '/',
          maxAge: SESSION_MILLISECONDS / 1000,
          secure: context.req.header('origin')?.startsWith('https:') ?? false,
        }),
      deleteCookie: () => void deleteCookie(context, COOKIE, { path: '/' }),
    };
  }
}

/** Behind a proxy all have its address: better to slow down too many than to believe a header anybody can write. */
function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? 'unknown';
  } catch (error) {
    // A request that came over no socket: only tests make such.
    if (error instanceof TypeError) return 'unknown';
    throw error;
  }
}

function signIn(): Problem {
  return new Problem('BRM-API-SIGN-IN', 'Nobody is signed in.', {
    remedy: 'Sign in with the admin password, or send `Authorization: Bearer` and an API token.',
  });
}

function forged(): Problem {
  return new Problem('BRM-API-CSRF', 'This change does not carry the token of its session.', {
    remedy: 'Load the page again.',
  });
}

function notJson(): Problem {
  return new Problem('BRM-API-JSON', 'A change must be sent as JSON.', {
    remedy: 'Send the header `Content-Type: application/json`.',
  });
}
