/** Frames inside CopyData while a server streams logical changes, and our answer. Offsets are from the frame's start. */
export const XLOG_DATA = 0x77;
export const KEEPALIVE = 0x6b;
/** XLogData: kind, start, server's end of log, server's clock; then one pgoutput message. */
export const XLOG_HEADER_BYTES = 25;

/** Of XLogData: where the message's record lies. */
export function xlogStart(buffer: Uint8Array, start: number): bigint {
  return readUint64(buffer, start + 1);
}

/** The server's end of log, from XLogData (at 9) or keepalive (at 1). */
export function serverEnd(buffer: Uint8Array, start: number): bigint {
  return readUint64(buffer, start + (buffer[start] === KEEPALIVE ? 1 : 9));
}

/** Of a keepalive: whether the server wants a status at once. */
export function replyRequested(buffer: Uint8Array, start: number): boolean {
  return buffer[start + 17] === 1;
}

export interface StandbyStatus {
  /** Positions after the last byte received, made durable, and applied. */
  readonly written: bigint;
  readonly flushed: bigint;
  readonly applied: bigint;
  /** Microseconds since 1970. */
  readonly now: bigint;
  readonly replyRequested: boolean;
}

/** A standby status update, framed as CopyData: ready for the socket. (Invariant 1: `flushed` is what is acknowledged.) */
export function encodeStandbyStatus(status: StandbyStatus): Uint8Array {
  const frame = new Uint8Array(39);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 0x64);
  view.setInt32(1, 38);
  view.setUint8(5, 0x72);
  view.setBigUint64(6, status.written);
  view.setBigUint64(14, status.flushed);
  view.setBigUint64(22, status.applied);
  view.setBigInt64(30, status.now - EPOCH_OFFSET_MICROSECONDS);
  view.setUint8(38, status.replyRequested ? 1 : 0);
  return frame;
}

/** Postgres counts from 2000-01-01, we from 1970-01-01. */
export const EPOCH_OFFSET_MICROSECONDS = 946_684_800_000_000n;

export function readUint32(buffer: Uint8Array, at: number): number {
  return (
    (((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)) >>>
    0
  );
}

export function readUint64(buffer: Uint8Array, at: number): bigint {
  return (BigInt(readUint32(buffer, at)) << 32n) | BigInt(readUint32(buffer, at + 4));
}

/** As Postgres prints a position: `16/B374D848`. */
export function formatLsn(position: bigint): string {
  const high = (position >> 32n).toString(16).toUpperCase();
  return `${high}/${(position & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

export function parseLsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}
