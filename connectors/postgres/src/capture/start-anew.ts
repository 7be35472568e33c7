/** What remains to be done when changes are gone. The command names the capture in `status`, which proposes it. */
export const START_ANEW =
  'Changes made meanwhile cannot be recovered from the log. `brimful backfill run <capture> --mode reset --reason …` reads all tables again beside what is there, and has the stream begin anew.';
