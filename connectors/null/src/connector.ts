import type { Connector } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { z } from 'zod';
import { NullDestination } from './destination.ts';

const config = z
  .strictObject({
    gatherMilliseconds: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(0)
      .describe('How long changes are gathered before they are written.'),
  })
  .describe('A destination that counts rows and drops them: for benchmarks and for trying a capture.');

export type NullConfig = z.output<typeof config>;

export const connector: Connector<never, NullConfig> = {
  name: 'null',
  title: 'Nowhere (counts rows and drops them)',
  verified: 'on a real server',
  destination: {
    config,
    async check() {
      return [{ level: 'ok', subject: 'destination', message: 'Rows are counted and dropped.' }];
    },
    async open({ gatherMilliseconds }) {
      return new NullDestination(gatherMilliseconds);
    },
    async query() {
      throw new Problem('BRM-NULL-QUERY', 'The null destination keeps no rows that could be queried.', {
        remedy: 'Use `brimful preview <collection>` to look at captured rows.',
      });
    },
    whereabouts() {
      return 'nowhere: rows are counted and dropped';
    },
  },
};
