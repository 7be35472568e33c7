/**
 * Faults that tests arm, at places where the real ones strike. Production passes none.
 *
 * `full` refuses for want of space before anything is written · `lost` writes, then reports that the outcome is
 * unknown · `slow` holds the writing thread for a moment first, so that others queue up behind it.
 */
export type Fault = 'full' | 'lost' | 'slow';

export type FaultPoint = 'open' | 'append' | 'put' | 'blob';

export interface Faults {
  /** Asked once for every write; what it returns happens to that write. */
  at(point: FaultPoint): Fault | undefined;
}

export const SLOW_FAULT_MS = 200;

/** The usual way to arm faults: the next write at `point` meets `fault`. */
export class ArmedFaults implements Faults {
  readonly #armed: { readonly point: FaultPoint; readonly fault: Fault }[] = [];

  arm(point: FaultPoint, fault: Fault): void {
    this.#armed.push({ point, fault });
  }

  at(point: FaultPoint): Fault | undefined {
    const index = this.#armed.findIndex((armed) => armed.point === point);
    return index < 0 ? undefined : this.#armed.splice(index, 1)[0]?.fault;
  }
}
