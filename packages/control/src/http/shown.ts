/** An answer as JSON, without the secrets that a message may have picked up on its way. (Invariant 10) */
export type Shown = (value: unknown) => string;

export function shownBy(redact: (text: string) => string): Shown {
  return (value) =>
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? redact(inner) : inner));
}
