import { z } from 'zod';

/** Of one text in a request. */
export const TEXT_LIMIT = 10_000;
/** Of the entries of one list in a request. */
export const LIST_LIMIT = 10_000;

export const text = z.string().max(TEXT_LIMIT);
export const words = z.array(text).max(LIST_LIMIT);
export const name = z.string().min(1).max(TEXT_LIMIT);
