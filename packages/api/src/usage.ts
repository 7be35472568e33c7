import { z } from 'zod';

/** One line per task: what it moved in each interval. Lists are as long as `at`. */
const series = z.object({
  kind: z.enum(['capture', 'materialization']),
  name: z.string(),
  rows: z.array(z.number()).meta({ description: 'Rows and changes in the interval.' }),
  bytes: z.array(z.number()).meta({
    description: 'Captures: what the journals grew by. Materializations: written to the destination.',
  }),
  lagMilliseconds: z.array(z.number().nullable()),
});

export const usage = z
  .object({
    everyMilliseconds: z.number(),
    at: z.array(z.number()).meta({ description: 'End of each interval, milliseconds since 1970.' }),
    series: z.array(series),
  })
  .meta({ id: 'Usage', description: 'Kept in memory since the start, for an hour.' });

export type Usage = z.output<typeof usage>;
