import type { Connector } from '@brimful/connector';
import { capture } from './capture/capture.ts';
import type { CaptureConfig } from './config.ts';
import { captureConfig } from './config.ts';
import type { PostgresDestinationConfig } from './materialize/config.ts';
import { postgresDestination } from './materialize/destination-connector.ts';

export const connector: Connector<CaptureConfig, PostgresDestinationConfig> = {
  name: 'postgres',
  title: 'PostgreSQL',
  verified: 'on a real server',
  capture: { ...capture, config: captureConfig },
  destination: postgresDestination,
};
