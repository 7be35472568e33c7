import type { z } from 'zod';
import type { CaptureConnector } from './capture.ts';
import type { DestinationConnector } from './destination.ts';

/** A connector is a value. The registry in the CLI lists them; the same schema drives form, command line and docs. */
export interface Connector<CaptureConfig = unknown, DestinationConfig = unknown> {
  readonly name: string;
  readonly title: string;
  /** On what the connector was last proven. */
  readonly verified: 'on a real server' | 'on a double' | 'unverified';
  readonly capture?: CaptureConnector<CaptureConfig> & { readonly config: z.ZodType<CaptureConfig> };
  readonly destination?: DestinationConnector<DestinationConfig> & {
    readonly config: z.ZodType<DestinationConfig>;
  };
}
