import type { TableHandle, TableRequest } from '@brimful/connector';
import type { Json } from '@brimful/model';
import type { CheckpointRow } from './bookkeeping.ts';
import type { TableState } from './table-state.ts';

/** A table this writer owns, as of its last committed transaction. */
export class OpenTable implements TableHandle {
  readonly request: TableRequest;
  readonly checkpoint: Json | undefined;
  readonly epoch: bigint;
  state: TableState;

  constructor(request: TableRequest, row: CheckpointRow) {
    this.request = request;
    this.checkpoint = row.checkpoint;
    this.epoch = row.epoch;
    this.state = row.state;
  }

  get place(): 'live' | 'beside' {
    return this.state.table === this.request.id.table ? 'live' : 'beside';
  }
}
