import { setFlagsFromString } from 'node:v8';

/** How much of what is held may come on top before the next collection. More would be faster, and larger. */
const GROWTH_PERCENT = 15;

/**
 * Columns lie outside V8's heap, and V8 begins a whole collection for every few tens of megabytes of that, however small its
 * heap is: while a large table is read, a third of all work would be collecting nothing. So what lies outside counts as part
 * of the heap, whose size decides. Both flags are read again at every collection, so they may be set at any time.
 */
export function tuneCollector(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
