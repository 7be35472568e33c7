import type { CaptureContext, Finding } from '@brimful/connector';
import { toProblem } from '@brimful/model';
import type { CaptureConfig } from '../config.ts';
import { endpointOf, describeEndpoint } from '../wire/endpoint.ts';
import type { SessionPool } from '../wire/session-pool.ts';
import { Catalog } from './catalog.ts';
import { serverFindings } from './check-server.ts';
import { tableFindings } from './check-tables.ts';
import { sourceNames } from './names.ts';
import { controlPool } from './open-source.ts';

/** What stands between this config and a running capture, in plain words, with the SQL that mends each. */
export async function checkSource(
  config: CaptureConfig,
  context: CaptureContext,
): Promise<readonly Finding[]> {
  let pool: SessionPool | undefined;
  try {
    const endpoint = endpointOf(config);
    pool = controlPool(endpoint, config, context);
    return await pool.use(async (session) => {
      const reached: Finding = {
        level: 'ok',
        subject: 'connection',
        message: `Connected as ${describeEndpoint(endpoint)}.`,
      };
      const server = await serverFindings(session, sourceNames(context.capture, config), endpoint.user);
      const tables = await new Catalog().listTables(session, config.schemas);
      return [reached, ...server, ...tableFindings(tables, endpoint.user, config.schemas)];
    });
  } catch (thrown) {
    const problem = toProblem(thrown);
    return [
      {
        level: 'error',
        subject: 'connection',
        message: problem.message,
        ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
      },
    ];
  } finally {
    pool?.close();
  }
}
