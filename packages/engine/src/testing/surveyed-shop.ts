import type { Connector, Resource, SurveyRequest, TableSurvey } from '@brimful/connector';
import type { Problem, Schema, Spec } from '@brimful/model';
import { DEFAULT_DISK_FREE_BYTES, DEFAULT_MEMORY_BYTES } from '@brimful/model';
import { ORDERS } from './plan-fixture.ts';
import { surveyOf, tableSurveyOf } from './plan-facts-fixture.ts';

/** A source and two destinations that can only be looked at, as a planner does. Tests change what there is to see. */
export class SurveyedShop {
  schemas = new Map<string, Schema>([
    ['public.orders', ORDERS],
    ['public.customers', ORDERS],
    ['audit.log', ORDERS],
  ]);
  destinationTables = new Map<string, TableSurvey>([['orders', tableSurveyOf()]]);
  destinationProblem: Problem | undefined;
  /** What was asked of the source, and how often a destination was opened and closed. */
  readonly surveyed: SurveyRequest[] = [];
  discoveries = 0;
  opened = 0;
  closed = 0;

  readonly spec: Spec = {
    captures: [
      {
        name: 'shop/postgres',
        connector: 'source',
        config: {},
        bindings: [],
        autoDiscover: { schemas: ['public'], exclude: [], prefix: 'shop' },
      },
    ],
    collections: [],
    materializations: [
      {
        name: 'shop/warehouse',
        connector: 'target',
        config: { password: 'secret' },
        source: 'shop/postgres',
        bindings: [],
        deletes: 'hard',
        adopt: false,
      },
      {
        name: 'shop/finance',
        connector: 'target',
        config: {},
        source: undefined,
        bindings: [{ source: 'shop/orders', table: 'sales', deletes: 'soft', adopt: false }],
        deletes: 'soft',
        adopt: false,
      },
    ],
    limits: {
      diskFreeBytes: DEFAULT_DISK_FREE_BYTES,
      diskUsedBytes: undefined,
      memoryBytes: DEFAULT_MEMORY_BYTES,
      retentionMilliseconds: undefined,
    },
  };

  readonly connectors = {
    load: (name: string): Promise<Connector> =>
      Promise.resolve((name === 'source' ? this.#source() : this.#target()) as unknown as Connector),
  };

  #source(): object {
    return {
      capture: {
        discover: (): Promise<readonly Resource[]> => {
          this.discoveries += 1;
          return Promise.resolve(
            [...this.schemas].map(([name, schema]) => ({
              name,
              schema,
              estimate: { rows: 1, bytes: 1, quality: 'unknown' },
              suggestedTarget: name.slice(name.indexOf('.') + 1),
            })),
          );
        },
        survey: (_: unknown, requests: readonly SurveyRequest[]) => {
          this.surveyed.push(...requests);
          return Promise.resolve(
            requests.map(({ resource }) =>
              surveyOf({ resource, schema: this.schemas.get(resource) ?? ORDERS }),
            ),
          );
        },
      },
    };
  }

  #target(): object {
    return {
      destination: {
        open: () => {
          if (this.destinationProblem !== undefined) return Promise.reject(this.destinationProblem);
          this.opened += 1;
          return Promise.resolve({
            survey: (table: string) => Promise.resolve(this.destinationTables.get(table)),
            [Symbol.asyncDispose]: () => {
              this.closed += 1;
              return Promise.resolve();
            },
          });
        },
      },
    };
  }
}
