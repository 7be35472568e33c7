import { Problem } from '@brimful/model';
import type { OperationName } from './endpoints.ts';
import { ENDPOINTS, EVENTS_PATH } from './endpoints.ts';
import type { LiveEvents, Topic } from './event.ts';
import { readEvents } from './event-stream.ts';
import type { ProblemDetails } from './problem.ts';
import type { Answer, Request } from './requests.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:4646`. Default: where the page came from. */
  readonly origin?: string;
  /** An API token. Browsers sign in with a password instead and have a cookie. */
  readonly token?: string;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

/** `connected` when the stream (re)begins, `lost` when it broke and will be tried again. */
export type Live =
  | {
      readonly [Name in keyof LiveEvents]: { readonly event: Name; readonly data: LiveEvents[Name] };
    }[keyof LiveEvents]
  | { readonly event: 'connected' }
  | { readonly event: 'lost'; readonly problem: Problem };

const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 10_000;

/**
 * The API as functions, for browsers and Node. Everything that is refused or fails is thrown as a `Problem` with the
 * server's code; `BRM-API-UNREACHABLE` when there was no answer.
 */
export class Client {
  readonly #origin: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;
  /** Of the session, as `getSession` and `signIn` said. */
  #csrfToken: string | null = null;

  constructor(options: ClientOptions = {}) {
    this.#origin = options.origin ?? '';
    this.#token = options.token;
    // A browser's fetch insists on its own `this`.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /**
   * Writes carry an idempotency key: give the same `key` again when it is not known whether a call arrived, and it is done
   * once.
   */
  async call<Name extends OperationName>(
    operation: Name,
    request: Request<Name>,
    options: { readonly signal?: AbortSignal; readonly key?: string } = {},
  ): Promise<Answer<Name>> {
    const { path, query, body } = request as Parts;
    const [method = 'GET', template = ''] = ENDPOINTS[operation].split(' ');
    const url = `${this.#origin}${filled(template, path ?? {})}${searchOf(query ?? {})}`;
    const headers: Record<string, string> = { accept: 'application/json', ...this.#credentials() };
    const init: RequestInit = { method, headers, credentials: 'same-origin' };
    if (options.signal !== undefined) init.signal = options.signal;
    if (method !== 'GET') {
      headers['idempotency-key'] = options.key ?? newKey();
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(body ?? {});
    }
    const response = await this.#send(url, init);
    const answer = (await response.json()) as Answer<Name>;
    if (operation === 'getSession' || operation === 'signIn' || operation === 'signOut') {
      this.#csrfToken = (answer as Answer<'getSession'>).csrfToken;
    }
    return answer;
  }

  /** Everything live, until aborted: then it ends without an error. Comes back by itself after a loss. */
  async *live(topics: readonly Topic[], signal: AbortSignal): AsyncGenerator<Live, void, void> {
    let pause = FIRST_PAUSE_MILLISECONDS;
    while (!signal.aborted) {
      try {
        const url = `${this.#origin}${EVENTS_PATH}?topics=${topics.join(',')}`;
        const headers = { accept: 'text/event-stream', ...this.#credentials() };
        const response = await this.#send(url, { headers, signal, credentials: 'same-origin' });
        yield { event: 'connected' };
        pause = FIRST_PAUSE_MILLISECONDS;
        for await (const { event, data } of readEvents(response, signal)) {
          yield { event, data: JSON.parse(data) } as Live;
        }
        if (!signal.aborted) yield { event: 'lost', problem: unreachable(undefined) };
      } catch (thrown) {
        if (signal.aborted) return;
        yield { event: 'lost', problem: thrown instanceof Problem ? thrown : unreachable(thrown) };
      }
      await elapsed(pause, signal);
      pause = Math.min(LONGEST_PAUSE_MILLISECONDS, pause * 2);
    }
  }

  #credentials(): Record<string, string> {
    return {
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(this.#csrfToken === null ? {} : { 'x-csrf-token': this.#csrfToken }),
    };
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(url, init);
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw unreachable(cause);
    }
    if (response.ok) return response;
    throw await problemOf(response);
  }
}

interface Parts {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

function filled(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ''));
}

function searchOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const said = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  return new Problem(
    said.code ?? 'BRM-API-UNREACHABLE',
    said.detail ?? `The server answered ${response.status}.`,
    {
      kind: said.kind ?? 'retry',
      at: said.at ?? {},
      ...(typeof said.remedy === 'string' ? { remedy: said.remedy } : {}),
    },
  );
}

function unreachable(cause: unknown): Problem {
  return new Problem('BRM-API-UNREACHABLE', 'Brimful does not answer.', {
    kind: 'retry',
    remedy: 'See whether `brimful up` still runs.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `crypto.randomUUID` is not there on pages that came over plain HTTP from another machine. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function elapsed(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, milliseconds);
    signal.addEventListener('abort', settle);
    if (signal.aborted) settle();
  });
}
