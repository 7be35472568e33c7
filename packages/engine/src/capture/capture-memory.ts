import type { CaptureContext, Position } from '@brimful/connector';
import type { Json } from '@brimful/model';
import type { Registry } from '@brimful/store';
import type { Followed } from './followed.ts';

/** What a capture keeps about its source besides the journals. */
interface CaptureNote {
  /** No more than this was ever acknowledged. */
  readonly acknowledged: string | null;
  readonly session: Json;
  /** Absent in what earlier versions noted. */
  readonly followed?: Followed;
  /** The run that had the stream begin anew. `wanted`: the next session does it. */
  readonly anew?: { readonly run: string; readonly state: 'wanted' | 'begun' };
}

/** The durable note of one capture. Written by its task alone. */
export class CaptureMemory {
  readonly #registry: Registry;
  readonly #key: string;
  #note: CaptureNote = { acknowledged: null, session: null };

  constructor(registry: Registry, capture: string) {
    this.#registry = registry;
    this.#key = `captures/${capture}`;
  }

  async load(): Promise<void> {
    const record = await this.#registry.get<CaptureNote>(this.#key);
    if (record !== undefined) this.#note = record.value;
  }

  get acknowledged(): Position | undefined {
    const { acknowledged } = this.#note;
    return acknowledged === null ? undefined : BigInt(acknowledged);
  }

  /** For the connector. Of a stream that is to begin anew nothing that was known counts, nor what an attempt at it left. */
  get told(): Pick<CaptureContext, 'anew' | 'durable' | 'memory'> {
    const { session } = this.#note;
    const { acknowledged } = this;
    if (this.wantsAnew) return { anew: true };
    return {
      ...(acknowledged === undefined ? {} : { durable: acknowledged }),
      ...(session === null ? {} : { memory: session }),
    };
  }

  /** All that the journals have was followed in a stream that cannot go on. */
  get wantsAnew(): boolean {
    return this.#note.anew?.state === 'wanted';
  }

  /** Whether this run has had its way: a stream that is lost again is another matter. */
  hasBegunAnewFor(run: string): boolean {
    return this.#note.anew?.run === run;
  }

  async acknowledge(position: Position): Promise<void> {
    await this.#save({ ...this.#note, acknowledged: position.toString() });
  }

  /** What the last session fed; undefined: none has noted it yet. */
  get followed(): Followed | undefined {
    return this.#note.followed;
  }

  async follow(followed: Followed): Promise<void> {
    await this.#save({ ...this.#note, followed });
  }

  async remember(session: Json): Promise<void> {
    await this.#save({ ...this.#note, session });
  }

  /** Nothing that was known of the source counts any longer. */
  async wantAnew(run: string): Promise<void> {
    await this.#save({ ...this.#note, acknowledged: null, session: null, anew: { run, state: 'wanted' } });
  }

  async begunAnew(): Promise<void> {
    const { anew } = this.#note;
    if (anew?.state === 'wanted') await this.#save({ ...this.#note, anew: { ...anew, state: 'begun' } });
  }

  async #save(note: CaptureNote): Promise<void> {
    this.#note = note;
    await this.#registry.put(this.#key, note);
  }
}
