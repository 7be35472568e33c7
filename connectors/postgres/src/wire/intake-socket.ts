import { Socket } from 'node:net';

/** As much as the kernel has ready at once on a fast network; the next read overwrites it. */
const READ_BUFFER_BYTES = 256 * 1024;

/** Takes bytes that are valid during the call only. */
export type Intake = (chunk: Buffer) => void;

/**
 * A socket that reads into one buffer of its own. Node otherwise allocates 64 KB for every read, however little
 * comes, and the collector runs after every few hundred of them: while a table is read that cost more than decoding it.
 * Until `intake` is set, bytes come as copies through the usual `data` events.
 */
export class IntakeSocket extends Socket {
  intake: Intake | undefined;

  constructor() {
    // The base class wants the callback before there is a `this`.
    const link: { socket?: IntakeSocket } = {};
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (length: number, buffer: Uint8Array): boolean => {
          const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, length);
          const { socket } = link;
          if (socket?.intake === undefined) socket?.emit('data', Buffer.from(chunk));
          else socket.intake(chunk);
          return true;
        },
      },
    });
    link.socket = this;
  }
}
