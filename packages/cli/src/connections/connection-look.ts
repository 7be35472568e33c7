import { dirname } from 'node:path';
import type { CaptureContext } from '@brimful/connector';
import type { ConnectionLook } from '@brimful/control';
import type { Json } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { z } from 'zod';
import { captureContext, captureSide, destinationSide } from '../command-context.ts';
import { withAbsolutePaths } from '../config/absolute-paths.ts';
import { ConfigDocument } from '../config/document.ts';
import { connectorSides } from '../config/json-schema.ts';
import { validate } from '../config/validate.ts';
import { hideVariables } from '../config/interpolation.ts';
import type { ConnectorRegistry } from '../connectors.ts';
import type { Redact } from '../redact.ts';
import { redactor } from '../redact.ts';
import { KEY_VARIABLE } from '../secrets/secret-key.ts';
import type { SecretBook } from '../secrets/secret-book.ts';
import { problemsOf } from '../terminal/problem-text.ts';
import { inspectDestination } from './inspect.ts';
import { withinTime } from './within-time.ts';

type ConnectionRequest = Parameters<ConnectionLook['check']>[0];
type ConnectionReport = Awaited<ReturnType<ConnectionLook['check']>>;
type DiscoveryRequest = Parameters<ConnectionLook['discover']>[0];
type Discovery = Awaited<ReturnType<ConnectionLook['discover']>>;
type Descriptions = Awaited<ReturnType<ConnectionLook['connectors']>>;

const LOOK_MILLISECONDS = 20_000;
/** Of a capture that has no name yet. */
const NEW_CAPTURE = 'new/capture';

export interface ConnectionLookOptions {
  readonly connectors: ConnectorRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the catalog: relative paths are relative to it. */
  readonly file: string;
  readonly store: Store;
  readonly secrets: SecretBook;
}

interface Prepared {
  readonly config: unknown;
  /** Takes out everything that was filled in, and every secret of the config. (Invariant 10) */
  readonly redact: Redact;
}

/** Tries connections that somebody is about to enter. Changes nothing anywhere. */
export function connectionLook(options: ConnectionLookOptions): ConnectionLook {
  return {
    connectors: () => descriptions(options.connectors),
    check: (request) => checked(request, options),
    discover: (request) => discovered(request, options),
  };
}

async function descriptions(connectors: ConnectorRegistry): Promise<Descriptions> {
  const { captures, destinations } = await connectorSides(connectors);
  return Promise.all(
    connectors.names.map(async (name) => {
      const { title, verified } = await connectors.load(name);
      const capture = captures.find((side) => side.name === name)?.config;
      const destination = destinations.find((side) => side.name === name)?.config;
      const kind = capture === undefined ? 'materialization' : destination === undefined ? 'capture' : 'both';
      const schemas = { captureSchema: capture ?? null, materializationSchema: destination ?? null };
      return { name, title, kind, verified, ...schemas };
    }),
  );
}

async function checked(
  request: ConnectionRequest,
  options: ConnectionLookOptions,
): Promise<ConnectionReport> {
  const { connector, kind } = request;
  let redact: Redact = redactor();
  try {
    const prepared = await preparedConfig(request, kind, options);
    redact = prepared.redact;
    const { config } = prepared;
    const { connectors } = options;
    const look = async (): Promise<Awaited<ReturnType<typeof inspectDestination>>> =>
      kind === 'capture'
        ? (await captureSide({ connector }, connectors)).check(config, await contextOf(request.name, options))
        : inspectDestination({ connector, config }, connectors);
    const found = await withinTime(look(), LOOK_MILLISECONDS, connector);
    const findings = found.map(({ subject, level, message, remedy }) => ({
      subject,
      level,
      message: redact(message),
      remedy: remedy === undefined ? null : redact(remedy),
    }));
    return { ok: !findings.some(({ level }) => level === 'error'), findings };
  } catch (thrown) {
    const findings = problemsOf(thrown).map(({ code, message, remedy }) => ({
      subject: code.startsWith('BRM-CONFIG') ? 'config' : 'connection',
      level: 'error' as const,
      message: `${redact(message)} [${code}]`,
      remedy: remedy === undefined ? null : redact(remedy),
    }));
    return { ok: false, findings };
  }
}

async function discovered(request: DiscoveryRequest, options: ConnectionLookOptions): Promise<Discovery> {
  const { connector } = request;
  let redact: Redact = redactor();
  try {
    const prepared = await preparedConfig(request, 'capture', options);
    redact = prepared.redact;
    const { config } = prepared;
    const side = await captureSide({ connector }, options.connectors);
    const look = side.discover(config, await contextOf(request.name, options));
    const resources = await withinTime(look, LOOK_MILLISECONDS, connector);
    return {
      resources: resources.map(({ name, suggestedTarget, schema, estimate, problem }) => ({
        name,
        suggestedTarget,
        key: [...schema.key],
        columns: schema.columns.length,
        ...estimate,
        problem:
          problem === undefined
            ? null
            : { message: problem.message, remedy: problem.remedy, blocks: problem.kind === 'operator' },
      })),
    };
  } catch (thrown) {
    const [first] = problemsOf(thrown);
    if (first === undefined) throw thrown;
    const { code, kind, message, remedy } = first;
    throw new Problem(code, redact(message), {
      kind,
      ...(remedy === undefined ? {} : { remedy: redact(remedy) }),
    });
  }
}

/** The config as the file would have it: variables filled in, paths absolute, valid for its connector. */
async function preparedConfig(
  { connector, config }: { readonly connector: string; readonly config: Readonly<Record<string, unknown>> },
  kind: ConnectionRequest['kind'],
  { connectors, environment, file, secrets }: ConnectionLookOptions,
): Promise<Prepared> {
  // JSON is YAML: so it is read, and its mistakes told, like the file's.
  const text = JSON.stringify(config, null, 2);
  const names = new Set(hideVariables(text).variables.map(({ name }) => name));
  // Invariant 10: it opens all other secrets, and the host that it would be sent to is the caller's choice.
  if (names.has(KEY_VARIABLE)) {
    throw new Problem('BRM-CONFIG-VALUE', `${KEY_VARIABLE} is no part of a connection.`, {
      remedy: 'Refer to the variable or kept secret that this connection needs.',
    });
  }
  const document = ConfigDocument.parse(text, 'config', { ...(await secrets.values(names)), ...environment });
  const filledIn = document.fromEnvironment.map(({ value }) => ({ secret: value }));
  const redact = redactor([document.value, ...filledIn], document.fromEnvironment);
  const side =
    kind === 'capture'
      ? await captureSide({ connector }, connectors)
      : await destinationSide({ connector }, connectors);
  const schema: z.ZodType = side.config;
  const valid = validate(schema, withAbsolutePaths(document.value, dirname(file)), document, []);
  if (valid.ok) return { config: valid.value, redact };
  throw new AggregateError(
    valid.problems.map(({ code, message, at, remedy }) => {
      const { file: _file, ...place } = at;
      return new Problem(code, redact(message), {
        at: place,
        ...(remedy === undefined ? {} : { remedy: redact(remedy) }),
      });
    }),
  );
}

/** What a capture that runs has noted of its source belongs to it: its slot is no stranger's. */
async function contextOf(
  name: string | undefined,
  { store }: ConnectionLookOptions,
): Promise<CaptureContext> {
  const context = captureContext(name ?? NEW_CAPTURE);
  if (name === undefined) return context;
  const record = await store.registry.get<{ readonly session: Json }>(`captures/${name}`);
  const session = record?.value.session ?? null;
  return session === null ? context : { ...context, memory: session };
}
