import type {
  CaptureConnector,
  CaptureContext,
  CaptureSession,
  Resource,
  SourceProbe,
} from '@brimful/connector';
import type { CaptureConfig } from '../config.ts';
import { endpointOf } from '../wire/endpoint.ts';
import { Catalog } from './catalog.ts';
import { checkSource } from './check.ts';
import { discoverTables } from './discover.ts';
import { dropSource } from './drop.ts';
import { controlPool, firstContact } from './open-source.ts';
import { GENERATED_PUBLISHED_SINCE } from './publications.ts';
import { PostgresProbe } from './probe.ts';
import { PostgresSession } from './session.ts';
import { surveySource } from './survey.ts';

export const capture: CaptureConnector<CaptureConfig> = {
  check: checkSource,
  discover,
  open: (config, context): Promise<CaptureSession> => PostgresSession.open(config, context),
  survey: surveySource,
  probe: (config, context): Promise<SourceProbe> => PostgresProbe.open(config, context),
  drop: dropSource,
};

async function discover(config: CaptureConfig, context: CaptureContext): Promise<readonly Resource[]> {
  const endpoint = endpointOf(config);
  const pool = controlPool(endpoint, config, context);
  try {
    return await pool.use(async (session) => {
      const [row] = await session.query('SHOW server_version_num');
      return discoverTables(session, new Catalog(), {
        schemas: config.schemas,
        role: endpoint.user,
        generatedToo: Number(row?.[0]) >= GENERATED_PUBLISHED_SINCE,
      });
    });
  } catch (error) {
    throw firstContact(error, context);
  } finally {
    pool.close();
  }
}
