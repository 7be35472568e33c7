import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Compression } from '../context.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Level 1: a third of the size at a speed no source outruns. Runs on libuv's threads, beside decoding and encoding. */
const PARAMETERS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export const zstd: Compression = {
  compress: (bytes) => compress(bytes, PARAMETERS),
  decompress: (bytes) => decompress(bytes),
};
