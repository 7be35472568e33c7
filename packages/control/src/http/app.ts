import type { Operation, OperationName } from '@brimful/api';
import { ENDPOINTS, EVENTS_PATH, OPERATIONS, TOPICS, problemDetails } from '@brimful/api';
import { Problem, toProblem } from '@brimful/model';
import { OpenAPIHono, createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { bodyLimit } from 'hono/body-limit';
import { BODY_LIMIT_BYTES } from '../control-server.ts';
import type { Desk } from './desk.ts';
import type { Gate, Visit } from './gate.ts';
import { problemBody } from './problem-status.ts';
import { referencePage } from './reference-page.ts';
import type { Pages } from './pages.ts';

/** Nothing from elsewhere, nothing inline but styles: the component library sets those from code. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': PAGE_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface AppOptions {
  readonly desk: Desk;
  readonly gate: Gate;
  readonly pages: Pages;
  readonly version: string;
}

/** Everything the server answers. Every operation is registered from the one table; none is let by unguarded. */
export function makeApp({ desk, gate, pages, version }: AppOptions): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.error.issues[0]);
    },
  });
  app.onError((thrown, context) => refuse(context, thrown, desk));
  app.notFound((context) => refuse(context, unknownPath(context), desk));
  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    gate.checkOrigin(context);
    await next();
  });
  const tooLarge = new Problem('BRM-API-TOO-LARGE', `A request has more than ${BODY_LIMIT_BYTES} bytes.`, {
    remedy: 'Ask for less at once: a range instead of single keys.',
  });
  app.use(bodyLimit({ maxSize: BODY_LIMIT_BYTES, onError: (context) => refuse(context, tooLarge, desk) }));
  for (const name of Object.keys(OPERATIONS) as OperationName[]) addOperation(app, name, desk, gate);
  addLive(app, desk, gate);
  addOpenPaths(app, desk, version);
  app.get('*', (context) => {
    const { path } = context.req;
    const page = path.startsWith('/api/') ? undefined : pages.find(path);
    if (page === undefined) throw pages.isEmpty && path === '/' ? notBuilt() : unknownPath(context);
    context.header('cache-control', page.isForever ? 'public, max-age=31536000, immutable' : 'no-cache');
    return context.body(page.body, 200, { 'content-type': page.type });
  });
  return app;
}

function addOperation(app: OpenAPIHono, name: OperationName, desk: Desk, gate: Gate): void {
  const operation: Operation = OPERATIONS[name];
  const { summary, description, path, query, body, answer, status = 200 } = operation;
  const [method = 'GET', template = ''] = ENDPOINTS[name].split(' ');
  const problem = { content: { 'application/problem+json': { schema: problemDetails } } };
  const route = createRoute({
    method: method.toLowerCase() as 'get' | 'post' | 'delete',
    path: template,
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    // Before anything is validated: a stranger learns nothing from what is wrong with a request.
    middleware: [gate.guard(name)],
    request: {
      ...(path === undefined ? {} : { params: path }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status]: { description: 'Done.', content: { 'application/json': { schema: answer } } },
      default: { description: 'Refused or failed.', ...problem },
    },
  });
  app.openapi(route, (async (context: Context) => {
    const valid = (part: string): unknown => (context.req as unknown as Valid).valid(part);
    const request = {
      path: path === undefined ? undefined : valid('param'),
      query: query === undefined ? undefined : valid('query'),
      body: body === undefined ? undefined : valid('json'),
    };
    const visit = context.get('visit') as Visit;
    const text = await desk.answer(name, request, visit);
    context.header('cache-control', 'no-store');
    return context.body(text, status, { 'content-type': 'application/json' });
  }) as never);
}

interface Valid {
  valid(part: string): unknown;
}

function addLive(app: OpenAPIHono, desk: Desk, gate: Gate): void {
  app.get(EVENTS_PATH, gate.guard('events'), (context) => {
    const wanted = (context.req.query('topics') ?? TOPICS.join(',')).split(',');
    const topics = new Set(TOPICS.filter((topic) => wanted.includes(topic)));
    return context.body(desk.hub.listen(topics), 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  });
  app.get('/metrics', gate.guard('metrics'), async (context) =>
    context.body(await desk.metricsText(), 200, { 'content-type': desk.metrics.contentType }),
  );
}

/** What says nothing about the pipe but that it is there. */
function addOpenPaths(app: OpenAPIHono, desk: Desk, version: string): void {
  app.get('/healthz', (context) => context.text('ok\n'));
  app.get('/readyz', (context) => {
    const isReady = desk.isReady();
    return context.text(isReady ? 'ready\n' : 'starting\n', isReady ? 200 : 503);
  });
  const document = () =>
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Brimful API',
        version,
        description:
          'Everything Brimful shows and does. Live events are at GET /api/v1/events. Writes take an Idempotency-Key. Every refusal is a problem with a code and a remedy.',
      },
    });
  app.get('/openapi.json', (context) => context.json(document()));
  app.get('/api/reference', (context) => context.html(referencePage(document())));
}

async function refuse(context: Context, thrown: unknown, desk: Desk): Promise<Response> {
  const problem = thrown instanceof HTTPException ? notJson(thrown) : toProblem(thrown);
  const body = problemBody(problem);
  await desk.refused(context.get('visit') as Visit | undefined, problem, body.status);
  if (body.status === 401) context.header('www-authenticate', 'Bearer');
  context.header('cache-control', 'no-store');
  return context.body(desk.shown(body), body.status as 400, { 'content-type': 'application/problem+json' });
}

function invalid(
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): Problem {
  const field = issue?.path.map(String).join('.') ?? '';
  return new Problem(
    'BRM-API-REQUEST',
    `${field === '' ? 'The request' : field}: ${issue?.message ?? 'not valid'}.`,
    {
      remedy: 'See /api/reference for what is asked for.',
      ...(field === '' ? {} : { at: { field } }),
    },
  );
}

function notJson(cause: HTTPException): Problem {
  return new Problem('BRM-API-REQUEST', `The request cannot be read: ${cause.message}.`, {
    remedy: 'See /api/reference for what is asked for.',
    cause,
  });
}

function notBuilt(): Problem {
  return new Problem('BRM-API-UNKNOWN', 'The pages for the browser were not built.', {
    remedy: 'Run `npm run build -w packages/web` and start again. The API is there: see /api/reference.',
  });
}

function unknownPath(context: Context): Problem {
  return new Problem('BRM-API-UNKNOWN', `There is nothing at ${context.req.method} ${context.req.path}.`, {
    remedy: 'See /api/reference for what there is.',
  });
}
