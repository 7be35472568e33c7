import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { HttpSettings, WebhookSettings } from '@brimful/control';
import type { PriceList } from '@brimful/engine';
import type { AlertLimits, AlertSeverity, Limits, Spec } from '@brimful/model';
import { DEFAULT_ALERT_LIMITS, DISK_ALERT_FACTOR, Problem } from '@brimful/model';
import type { ConnectorRegistry } from '../connectors.ts';
import type { Redact } from '../redact.ts';
import { redactor } from '../redact.ts';
import { ConfigDocument } from './document.ts';
import { checkReferences } from './references.ts';
import type { Config } from './schema.ts';
import { configSchema } from './schema.ts';
import { storedSecrets } from './stored-secrets.ts';
import { toSpec } from './to-spec.ts';
import { validate } from './validate.ts';

/** A configuration that holds: ready to run. */
export interface LoadedConfig {
  readonly file: string;
  /** As it was read. May have secrets: see `maskedText`. */
  readonly text: string;
  readonly spec: Spec;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly backfill: BackfillSettings;
  readonly alerts: AlertSettings;
  readonly server: ServerSettings;
  readonly redact: Redact;
}

/** Where pages and API are served, and who is let in. Without a port: the usual one, or any that is free. */
export interface ServerSettings extends Omit<HttpSettings, 'port'> {
  readonly port: number | undefined;
}

export interface AlertSettings {
  readonly limits: AlertLimits;
  readonly webhook: WebhookSettings | undefined;
  /** The webhook is told of this and worse. */
  readonly from: AlertSeverity;
}

/** What runs that do not say otherwise begin with. */
export interface BackfillSettings {
  /** As written: `24h`. */
  readonly undo: string | undefined;
  readonly prices: PriceList | undefined;
}

export interface LoadOptions {
  readonly connectors: ConnectorRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What relative names in messages are relative to. */
  readonly workingDirectory: string;
}

/** Reads and validates a configuration file. Throws a Problem, or an AggregateError of all that were found. */
export async function loadConfig(file: string, options: LoadOptions): Promise<LoadedConfig> {
  const path = resolve(options.workingDirectory, file);
  return parseConfig(readConfig(path, file), path, options);
}

/** The same for a text that was already read. `path` is where it is, or would be. */
export async function parseConfig(text: string, path: string, options: LoadOptions): Promise<LoadedConfig> {
  const shown = relative(options.workingDirectory, path);
  const stored = await storedSecrets(text, path, options.environment);
  const environment = { ...options.environment, ...stored };
  const document = ConfigDocument.parse(text, shown.startsWith('..') ? path : shown, environment);
  if (document.value === null) {
    throw new Problem('BRM-CONFIG-VALUE', 'The configuration is empty.', {
      at: { file: document.file, line: 1, column: 1 },
      remedy: 'Describe at least one capture. `brimful init` writes an example to start from.',
    });
  }
  // Invariant 10: a message may repeat a name that is wrong, and the name may be a misplaced secret.
  const refuse = (problems: readonly Problem[]): never => {
    const redact = redactor([keptSecrets(stored)], document.fromEnvironment);
    throw new AggregateError(problems.map((problem) => redacted(problem, redact)));
  };
  const valid = validate(configSchema, document.value, document, []);
  if (!valid.ok) return refuse(valid.problems);
  const problems: Problem[] = [];
  const directory = dirname(path);
  const spec = await toSpec(valid.value, document, directory, options.connectors, problems);
  problems.push(...checkReferences(spec, document));
  if (problems.length > 0) return refuse(problems);
  const { server, alerts } = valid.value;
  const configs = [...spec.captures, ...spec.materializations].map((task) => task.config);
  return {
    file: path,
    text,
    spec,
    dataDirectory: resolve(directory, valid.value.dataDirectory),
    backfill: { undo: valid.value.backfill.undo, prices: valid.value.backfill.prices },
    alerts: alertSettings(alerts, spec.limits),
    server: { ...server, port: server.port, password: server.password },
    redact: redactor(
      [...configs, secretsOf(server), alertSecrets(alerts), keptSecrets(stored)],
      document.fromEnvironment,
    ),
  };
}

/** All of them are secrets, whatever their names are. */
function keptSecrets(stored: Readonly<Record<string, string>>): unknown {
  return Object.values(stored).map((secret) => ({ secret }));
}

/** Under names that the redactor knows for those of secrets. */
function secretsOf({ password, tokens }: Config['server']): unknown {
  return { password, tokens: Object.values(tokens).map((token) => ({ token })) };
}

/** The address too: of chat programs whoever knows it may write there. */
function alertSecrets({ webhook, secret }: Config['alerts']): unknown {
  return { token: webhook, secret };
}

function alertSettings(written: Config['alerts'], { diskFreeBytes }: Limits): AlertSettings {
  const { webhook, secret, from, lag, retainedLog, stalled, diskFree } = written;
  return {
    from,
    webhook: webhook === undefined ? undefined : { url: webhook, secret },
    limits: {
      lagMilliseconds: lag ?? DEFAULT_ALERT_LIMITS.lagMilliseconds,
      retainedLogBytes: retainedLog ?? DEFAULT_ALERT_LIMITS.retainedLogBytes,
      stalledMilliseconds: stalled ?? DEFAULT_ALERT_LIMITS.stalledMilliseconds,
      diskFreeBytes: diskFree ?? diskFreeBytes * DISK_ALERT_FACTOR,
    },
  };
}

function redacted(problem: Problem, redact: Redact): Problem {
  const { code, kind, message, remedy, at } = problem;
  return new Problem(code, redact(message), {
    kind,
    at,
    ...(remedy === undefined ? {} : { remedy: redact(remedy) }),
  });
}

function readConfig(path: string, shown: string): string {
  if (!existsSync(path)) {
    throw new Problem('BRM-CONFIG-MISSING', `There is no configuration file ${shown}.`, {
      at: { file: path },
      remedy: 'Write one with `brimful init`, or name yours with --config <file>.',
    });
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Problem('BRM-CONFIG-MISSING', `The configuration file ${shown} cannot be read: ${reason}.`, {
      at: { file: path },
      remedy: 'Make it readable for the user who runs brimful, or name another with --config <file>.',
      cause,
    });
  }
}
