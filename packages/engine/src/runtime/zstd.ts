import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Compression } from '../context.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * Output comes in pieces of this size, and each costs a turn of the event loop: Node's 16 KB would be a thousand turns for
 * a segment.
 */
const CHUNK_BYTES = 2 * 1024 * 1024;

/** Level 1: a third of the size at a speed no source outruns. Runs on libuv's threads, beside decoding and encoding. */
const COMPRESS = { chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const DECOMPRESS = { chunkSize: CHUNK_BYTES };

export const zstd: Compression = {
  compress: (bytes) => compress(bytes, COMPRESS),
  decompress: (bytes) => decompress(bytes, DECOMPRESS),
};
