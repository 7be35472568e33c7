import type { Registry } from '@brimful/store';
import type { Meter } from '../flow/meter.ts';

/** What reading a source for the first time came to, all tables that were read at once together, journaled and all. */
export interface MeasuredRead {
  readonly rows: number;
  /** As decoded. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What counts while a table is read. */
interface ReadMeters {
  readonly rowsMeter: Meter;
  readonly bytesMeter: Meter;
}

/** Reads of fewer rows are over before they have a speed. */
const TELLING_ROWS = 50_000;

/** Measures how long tables are being read, several at once. Time comes in as an argument. */
export class ReadingTime {
  #open = 0;
  #since = 0;
  #rows = 0;
  #bytes = 0;
  /** One of them came to nothing: how much was read in its time is not known. */
  #isVoid = false;

  /** Reads a table. What all that were read at once came to, once the last has ended; null before, and where it does not tell. */
  async during(
    table: ReadMeters,
    now: () => number,
    read: () => Promise<void>,
  ): Promise<MeasuredRead | null> {
    if (this.#open === 0) [this.#since, this.#rows, this.#bytes, this.#isVoid] = [now(), 0, 0, false];
    this.#open += 1;
    const [rows, bytes] = [table.rowsMeter.total, table.bytesMeter.total];
    try {
      await read();
      this.#rows += table.rowsMeter.total - rows;
      this.#bytes += table.bytesMeter.total - bytes;
    } catch (thrown) {
      this.#isVoid = true;
      throw thrown;
    } finally {
      this.#open -= 1;
    }
    const at = now();
    const milliseconds = at - this.#since;
    if (this.#open > 0 || this.#isVoid || this.#rows < TELLING_ROWS || milliseconds <= 0) return null;
    return { rows: this.#rows, bytes: this.#bytes, milliseconds, at };
  }
}

/** The last first read of a capture that was large enough to tell; plans go by it until a run has been measured. */
export async function measuredRead(registry: Registry, capture: string): Promise<MeasuredRead | null> {
  return (await registry.get<MeasuredRead>(key(capture)))?.value ?? null;
}

export async function noteMeasuredRead(
  registry: Registry,
  capture: string,
  read: MeasuredRead,
): Promise<void> {
  await registry.put(key(capture), read);
}

function key(capture: string): string {
  return `first-reads/${capture}`;
}
