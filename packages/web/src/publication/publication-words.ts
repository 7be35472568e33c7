import type { PublicationState } from '@brimful/model';

/** What colour a state has: `StateMark` knows these. */
export const PUBLICATION_MARKS: Readonly<Record<PublicationState, string>> = {
  applying: 'starting',
  applied: 'done',
  refused: 'failed',
  abandoned: 'interrupted',
};

export const PUBLICATION_WORDS: Readonly<Record<PublicationState, string>> = {
  applying: 'on its way',
  applied: 'applied',
  refused: 'refused, what was before runs on',
  abandoned: 'interrupted before anything was written',
};
