import type { CaptureContext } from '@brimful/connector';
import type { CaptureConfig } from '../config.ts';
import { endpointOf } from '../wire/endpoint.ts';
import { problemOf } from '../wire/server-error.ts';
import { sourceNames } from './names.ts';
import { controlPool } from './open-source.ts';
import { Publications } from './publications.ts';
import { dropSlot } from './slot.ts';

/** Removes the slot and both publications. What is not there, or belongs to something else, is left alone. */
export async function dropSource(config: CaptureConfig, context: CaptureContext): Promise<void> {
  const pool = controlPool(endpointOf(config), config, context);
  const names = sourceNames(context.capture, config);
  try {
    await pool.use(async (session) => {
      await dropSlot(session, names.slot, context.capture);
      await new Publications(names, 0).drop(session);
    });
    await context.remember(null);
  } catch (error) {
    throw problemOf(error, 'Removing what the capture left at the source');
  } finally {
    pool.close();
  }
}
