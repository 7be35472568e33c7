import type { CaptureContext, SourceHealth, Survey, SurveyRequest } from '@brimful/connector';
import type { ProblemRecord } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { CaptureConfig } from '../config.ts';
import { quoteText } from '../types/identifier.ts';
import { endpointOf } from '../wire/endpoint.ts';
import { RawSession } from '../wire/raw-session.ts';
import { problemOf } from '../wire/server-error.ts';
import { Catalog } from './catalog.ts';
import type { SourceNames } from './names.ts';
import { sourceNames } from './names.ts';
import { firstContact } from './open-source.ts';
import { GENERATED_PUBLISHED_SINCE } from './publications.ts';
import { readHealth } from './source-health.ts';
import type { SurveyMeans } from './survey-table.ts';
import { surveyTable } from './survey-table.ts';
import { problemWith } from './table-problem.ts';
import type { Table } from './table.ts';

/** A plan is asked for at any hour: what takes longer is left out or refused, and no lock is queued for. */
const STATEMENT_MILLISECONDS = 10_000;
const LOCK_MILLISECONDS = 500;

/**
 * One connection for all tables, one after another, so that a plan over hundreds of tables is a small load. A table that
 * cannot be surveyed is an answer with a problem; only a source that cannot be reached throws.
 */
export async function surveySource(
  config: CaptureConfig,
  requests: readonly SurveyRequest[],
  context: CaptureContext,
): Promise<readonly Survey[]> {
  const endpoint = endpointOf(config);
  const names = sourceNames(context.capture, config);
  const session = await RawSession.connect(endpoint, {
    purpose: `${context.capture} survey`,
    settings: {
      default_transaction_read_only: 'on',
      statement_timeout: `${STATEMENT_MILLISECONDS}`,
      lock_timeout: `${LOCK_MILLISECONDS}`,
    },
  }).catch((error: unknown) => {
    throw firstContact(error, context);
  });
  try {
    const means: SurveyMeans = {
      session,
      role: endpoint.user,
      generatedToo: await generatedToo(session, names),
      health: await readHealth(session, names.slot),
      now: context.now(),
    };
    const resources = requests.map((request) => request.resource);
    const tables = await new Catalog().tablesByName(session, resources);
    const surveys: Survey[] = [];
    for (const request of requests)
      surveys.push(await surveyOne(means, tables.get(request.resource), request));
    return surveys;
  } catch (error) {
    throw problemOf(error, 'Surveying the source');
  } finally {
    session.close();
  }
}

async function surveyOne(
  means: SurveyMeans,
  table: Table | undefined,
  request: SurveyRequest,
): Promise<Survey> {
  const problem = tableProblem(means, table, request.resource);
  if (table === undefined || problem !== undefined) return refusal(means.health, request, problem);
  try {
    return await surveyTable(means, table, request);
  } catch (error) {
    if (means.session.closed) throw error;
    return refusal(means.health, request, problemOf(error, `Looking at ${request.resource}`).toJSON());
  }
}

/** Rows that are hidden are a guard's matter, and who may publish the table is the stream's. */
const NOT_ABOUT_READING: ReadonlySet<string> = new Set(['BRM-PG-ROW-SECURITY', 'BRM-PG-OWNER']);

function tableProblem(
  means: SurveyMeans,
  table: Table | undefined,
  resource: string,
): ProblemRecord | undefined {
  if (table === undefined) {
    return new Problem('BRM-PG-NO-TABLE', `There is no table ${resource} at the source.`, {
      remedy: 'Correct its name in the binding, or remove the binding.',
      at: { table: resource },
    }).toJSON();
  }
  const found = problemWith(table, means.role);
  return found?.refused === true && !NOT_ABOUT_READING.has(found.problem.code) ? found.problem : undefined;
}

function refusal(source: SourceHealth, request: SurveyRequest, problem: ProblemRecord | undefined): Survey {
  const nothing = { value: 0, quality: 'exact' } as const;
  return {
    resource: request.resource,
    problem: problem ?? null,
    schema: { version: 1, columns: [], key: [] },
    tableRows: nothing,
    tableBytes: nothing,
    rows: nothing,
    bytes: nothing,
    bytesRead: 0,
    readShape: 'nothing',
    isServed: false,
    statisticsAt: null,
    firstRow: null,
    lastRow: null,
    source,
    extremes: [],
    guards: [],
  };
}

/** As the capture's publications have it; without any yet, as they will be made. */
async function generatedToo(session: RawSession, names: SourceNames): Promise<boolean> {
  const [row] = await session.query(
    `SELECT current_setting('server_version_num'),
       (SELECT bool_and(COALESCE(to_jsonb(p) ->> 'pubgencols', '') = 's') FROM pg_publication p
        WHERE pubname IN (${quoteText(names.changes)}, ${quoteText(names.inserts)}))`,
  );
  return Number(row?.[0]) >= GENERATED_PUBLISHED_SINCE && row?.[1] !== 'f';
}
