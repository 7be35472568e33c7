import type { Usage } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';

export const USAGE_EVERY_MILLISECONDS = 5000;
/** An hour. */
export const USAGE_POINTS_LIMIT = 720;

interface Counted {
  readonly kind: 'capture' | 'materialization';
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly lagMilliseconds: number | null;
}

interface Point {
  readonly at: number;
  readonly tasks: ReadonlyMap<string, Counted>;
}

/** What every task moved in each of the last intervals. */
export class UsageSeries {
  #before: ReadonlyMap<string, Counted> | undefined;
  #points: Point[] = [];

  /** Call it once an interval. The first call only begins counting. */
  note(status: RuntimeStatus): void {
    const now = new Map(countedOf(status).map((task) => [`${task.kind} ${task.name}`, task]));
    const before = this.#before;
    this.#before = now;
    if (before === undefined) return;
    const moved = [...now].map(([key, task]): [string, Counted] => {
      const earlier = before.get(key);
      // Counters go back when a table is read anew and history is compacted: that is not movement.
      const rows = Math.max(0, task.rows - (earlier?.rows ?? 0));
      const bytes = Math.max(0, task.bytes - (earlier?.bytes ?? 0));
      return [key, { ...task, rows, bytes }];
    });
    this.#points.push({ at: status.at, tasks: new Map(moved) });
    if (this.#points.length > USAGE_POINTS_LIMIT) this.#points.shift();
  }

  usage(): Usage {
    const latest = this.#points.at(-1)?.tasks ?? new Map<string, Counted>();
    return {
      everyMilliseconds: USAGE_EVERY_MILLISECONDS,
      at: this.#points.map(({ at }) => at),
      series: [...latest].map(([key, { kind, name }]) => {
        const found = this.#points.map(({ tasks }) => tasks.get(key));
        return {
          kind,
          name,
          rows: found.map((task) => task?.rows ?? 0),
          bytes: found.map((task) => task?.bytes ?? 0),
          lagMilliseconds: found.map((task) => task?.lagMilliseconds ?? null),
        };
      }),
    };
  }
}

function countedOf({ captures, materializations }: RuntimeStatus): Counted[] {
  return [
    ...captures.map((task): Counted => {
      const rowsRead = task.bindings.reduce((sum, binding) => sum + binding.rowsRead, 0);
      const bytes = task.bindings.reduce((sum, binding) => sum + binding.journal.bytes, 0);
      const { name, changes, lagMilliseconds } = task;
      return {
        kind: 'capture',
        name,
        rows: rowsRead + changes,
        bytes,
        lagMilliseconds: lagMilliseconds ?? null,
      };
    }),
    ...materializations.map((task): Counted => {
      const bytes = task.bindings.reduce((sum, binding) => sum + binding.bytesWritten, 0);
      const { name, rowsWritten, lagMilliseconds } = task;
      return {
        kind: 'materialization',
        name,
        rows: rowsWritten,
        bytes,
        lagMilliseconds: lagMilliseconds ?? null,
      };
    }),
  ];
}
