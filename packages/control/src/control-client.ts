import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type {
  BackfillPlan,
  Catalog,
  ProblemRecord,
  Publication,
  PublicationPlan,
  PublicationSummary,
  Run,
  RuntimeStatus,
  SecretSummary,
  VerificationReport,
} from '@brimful/model';
import { Problem } from '@brimful/model';
import { findSocket } from './control-socket.ts';
import type {
  BackfillCalls,
  CatalogCalls,
  SecretCalls,
  VerifyProgress,
  VerifyRequest,
} from './control-target.ts';
import type { CallName, StreamName } from './operations.ts';
import { CALLS } from './operations.ts';
import type { VerifyItem } from './verifying.ts';

/** Beyond the server's own limit: its answer says more than ours. */
const PATIENCE_MILLISECONDS = 5_000;
/** The server gives a sign of life every 5 s. */
const SILENCE_LIMIT_MILLISECONDS = 20_000;

/** The other end of `serveControl`. Every call is a connection of its own; nothing needs closing. */
export class ControlClient {
  readonly #socket: string;
  readonly backfills: BackfillCalls;
  readonly catalog: CatalogCalls;
  readonly secrets: SecretCalls;

  constructor(socket: string) {
    this.#socket = socket;
    this.backfills = {
      plan: (draft) => this.#call<BackfillPlan>('backfills/plan', draft),
      findPlan: (id) => this.#call<BackfillPlan>('backfills/find-plan', { id }),
      plans: () => this.#call<readonly BackfillPlan[]>('backfills/plans', {}),
      apply: (planId, approval) => this.#call<Run>('backfills/apply', { planId, ...approval }),
      runs: () => this.#call<readonly Run[]>('backfills/runs', {}),
      run: (id) => this.#call<Run>('backfills/run', { id }),
      order: (id, order) => this.#call<Run>('backfills/order', { id, ...order }),
      watch: (signal) => this.#stream<Run>('backfills/watch', {}, signal),
    };
    this.secrets = {
      list: () => this.#call<readonly SecretSummary[]>('secrets/list', {}),
      put: (name, value, who) => this.#call<SecretSummary>('secrets/put', { name, value, who }),
      remove: async (name) => {
        await this.#call<null>('secrets/remove', { name });
      },
    };
    this.catalog = {
      read: () => this.#call<Catalog>('catalog/read', {}),
      plan: (draft) => this.#call<PublicationPlan>('catalog/plan', draft),
      findPlan: (id) => this.#call<PublicationPlan>('catalog/find-plan', { id }),
      apply: (id, { who }) => this.#call<Publication>('catalog/apply', { id, who }),
      list: () => this.#call<readonly PublicationSummary[]>('catalog/list', {}),
      find: (number) => this.#call<Publication>('catalog/find', { number }),
      planRevert: (number, draft) => this.#call<PublicationPlan>('catalog/revert', { number, ...draft }),
    };
  }

  /** Undefined when no pipe runs on the data directory. Throws `BRM-CONTROL-DENIED` when it is another user's. */
  static async find(dataDirectory: string): Promise<ControlClient | undefined> {
    const socket = findSocket(dataDirectory);
    if (socket === undefined) return undefined;
    const client = new ControlClient(socket);
    try {
      await client.status();
      return client;
    } catch (thrown) {
      // Left behind by a process that was killed, or gone between two looks.
      if (thrown instanceof Problem && thrown.code === 'BRM-CONTROL-GONE') return undefined;
      throw thrown;
    }
  }

  status(): Promise<RuntimeStatus> {
    return this.#call<RuntimeStatus>('status', {});
  }

  /** Aborting the signal ends the verification over there. */
  async verify(
    request: VerifyRequest,
    signal: AbortSignal,
    onProgress: (progress: VerifyProgress) => void,
  ): Promise<readonly VerificationReport[]> {
    for await (const item of this.#stream<VerifyItem>('verify', request, signal)) {
      if ('reports' in item) return item.reports;
      onProgress(item.progress);
    }
    throw lost();
  }

  async #call<Answer>(name: CallName, body: unknown): Promise<Answer> {
    const limit = CALLS[name].limitMilliseconds + PATIENCE_MILLISECONDS;
    const response = await this.#post(name, body, AbortSignal.timeout(limit));
    const parts: Buffer[] = [];
    try {
      for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
    } catch (cause) {
      throw lost(cause);
    }
    const answer = JSON.parse(Buffer.concat(parts).toString('utf8')) as Answered<Answer>;
    if ('error' in answer) throw problemOf(answer.error);
    return answer.answer;
  }

  async *#stream<Item>(
    name: StreamName,
    body: unknown,
    signal: AbortSignal,
  ): AsyncGenerator<Item, void, void> {
    const response = await this.#post(name, body, signal);
    response.setTimeout(SILENCE_LIMIT_MILLISECONDS, () => response.destroy(new Error('silent for too long')));
    try {
      for await (const line of linesOf(response)) {
        if (line === '') continue;
        const said = JSON.parse(line) as Said<Item>;
        if ('error' in said) throw problemOf(said.error);
        if ('end' in said) return;
        yield said.item;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Problem) throw thrown;
      throw lost(thrown);
    } finally {
      response.destroy();
    }
    signal.throwIfAborted();
    throw lost();
  }

  async #post(name: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const options = {
      socketPath: this.#socket,
      path: `/${name}`,
      method: 'POST',
      headers,
      agent: false,
      signal,
    };
    try {
      return await new Promise((resolve, reject) => {
        const sent = httpRequest(options, resolve);
        sent.on('error', reject);
        sent.end(text);
      });
    } catch (thrown) {
      if (!isTimeout(signal)) signal.throwIfAborted();
      throw connectionProblem(thrown);
    }
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const part of response as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(part)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

type Answered<Answer> = { readonly answer: Answer } | { readonly error: ProblemRecord };
type Said<Item> = { readonly item: Item } | { readonly end: true } | { readonly error: ProblemRecord };

function problemOf({ code, kind, message, remedy, at }: ProblemRecord): Problem {
  return new Problem(code, message, { kind, at, ...(remedy === null ? {} : { remedy }) });
}

function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

function connectionProblem(error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK') {
    return new Problem('BRM-CONTROL-GONE', 'No pipe runs here any more.', { kind: 'retry', cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new Problem('BRM-CONTROL-DENIED', 'The running pipe belongs to another user.', {
      remedy: 'Run this as the user who runs `brimful up`.',
      cause: error,
    });
  }
  return lost(error);
}

function lost(cause?: unknown): Problem {
  return new Problem('BRM-CONTROL-LOST', 'The running pipe did not answer to the end.', {
    kind: 'retry',
    remedy: 'See whether it still runs: brimful status',
    ...(cause === undefined ? {} : { cause }),
  });
}
