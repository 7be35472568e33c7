import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ConnectorContext, Finding } from '@brimful/connector';
import { toProblem } from '@brimful/model';
import type { DuckdbConfig } from './config.ts';
import { Connection } from './database/connection.ts';
import { DatabaseFile, FileOccupied } from './database/database-file.ts';

/** Looks at the file without changing it. */
export async function check(config: DuckdbConfig, context: ConnectorContext): Promise<readonly Finding[]> {
  const path = resolve(config.path);
  const findings: Finding[] = [];
  const exists = await holds(async () => stat(path));
  const place = exists ? path : dirname(path);
  if (await holds(async () => access(place, constants.W_OK))) {
    findings.push({
      level: 'ok',
      subject: 'path',
      message: exists ? `${path} can be written` : `${path} will be made`,
    });
  } else {
    findings.push({
      level: 'error',
      subject: 'path',
      message: `${place} ${(await holds(async () => stat(place))) ? 'cannot be written by this user' : 'does not exist'}`,
      remedy: exists ? `chmod u+w ${path}` : `mkdir -p ${place}`,
    });
  }
  if (exists) findings.push(await lookInside(config, context));
  return findings;
}

async function lookInside(config: DuckdbConfig, context: ConnectorContext): Promise<Finding> {
  const file = DatabaseFile.at(config.path);
  try {
    const lease = await file.acquire('read', config);
    try {
      const connection = await Connection.open(lease.database);
      const rows = await connection.rows('SELECT version() AS version');
      connection.close();
      return {
        level: 'ok',
        subject: 'database',
        message: `a DuckDB database, read with ${String(rows[0]?.['version'])}`,
      };
    } finally {
      await lease.release();
    }
  } catch (error) {
    if (error instanceof FileOccupied) {
      return {
        level: 'warning',
        subject: 'database',
        message: `${error.message}; the pipeline waits until it is closed`,
        remedy: 'Close the program that has the file open.',
      };
    }
    context.log.debug({ path: file.path }, 'the file could not be opened');
    const problem = toProblem(error);
    const remedy = problem.remedy === undefined ? {} : { remedy: problem.remedy };
    return { level: 'error', subject: 'database', message: problem.message, ...remedy };
  }
}

async function holds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    // The question was only whether it works.
    return false;
  }
}
