import type { Connector, Destination, Finding, Resource } from '@brimful/connector';
import { z } from 'zod';
import type { ConnectorRegistry } from '../connectors.ts';
import { connectorRegistry } from '../connectors.ts';

export interface FakeOptions {
  readonly resources?: readonly Resource[];
  readonly findings?: readonly Finding[];
  /** Thrown by whatever connects. */
  readonly unreachable?: Error;
  /** What the sink opens. Otherwise it does not. */
  readonly destination?: Destination;
}

const source = z.strictObject({
  url: z.string().min(1).describe('Where it is.'),
  port: z.number().int().optional(),
  ssl: z.boolean().optional(),
  slot: z.strictObject({ name: z.string(), temporary: z.boolean().optional() }).optional(),
});
const target = z.strictObject({ path: z.string().min(1), password: z.string().optional() });

/** `fake` can be captured from, `sink` can be written into. Neither opens. */
export function fakeConnectors(options: FakeOptions = {}): ConnectorRegistry {
  const reach = (): void => {
    if (options.unreachable !== undefined) throw options.unreachable;
  };
  const fake: Connector<unknown, unknown> = {
    name: 'fake',
    title: 'A fake source',
    verified: 'unverified',
    capture: {
      config: source,
      async check() {
        reach();
        return options.findings ?? [];
      },
      async discover() {
        reach();
        return options.resources ?? [];
      },
      open: () => Promise.reject(new Error('a fake does not open')),
      survey: () => Promise.reject(new Error('a fake is not surveyed')),
      probe: () => Promise.reject(new Error('a fake has no pulse')),
      async drop() {
        reach();
      },
    },
  };
  const sink: Connector<unknown, unknown> = {
    name: 'sink',
    title: 'A fake sink',
    verified: 'unverified',
    destination: {
      config: target,
      check: async () => options.findings ?? [],
      open: async () => {
        if (options.destination !== undefined) return options.destination;
        throw new Error('a fake does not open');
      },
      query: async () => ({ columns: ['n'], rows: [['1'], [null]] }),
      whereabouts: () => 'nowhere',
    },
  };
  return connectorRegistry({ fake: async () => fake, sink: async () => sink });
}
