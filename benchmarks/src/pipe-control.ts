import { ControlClient } from '@brimful/control';

/** To steer the pipe that runs on this data directory; fails when none answers. */
export async function controlOf(dataDirectory: string): Promise<ControlClient> {
  const client = await ControlClient.find(dataDirectory);
  if (client === undefined) throw new Error(`no pipe runs on ${dataDirectory}`);
  return client;
}
