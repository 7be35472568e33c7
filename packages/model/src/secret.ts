/** A secret that is kept, without what it is. (Invariant 10) */
export interface SecretSummary {
  /** As `${NAME}` in the catalog names it. */
  readonly name: string;
  readonly at: number;
  readonly who: string;
}
