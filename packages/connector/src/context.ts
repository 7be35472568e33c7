/** What every connector is given. Connectors touch the world only through their driver and this. */
export interface ConnectorContext {
  readonly log: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  /** A named place where tests may end the process or fail the call. Does nothing in production. */
  reach(point: string): void;
}

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One thing `brimful check` found. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  /** A few words: `wal_level`. */
  readonly subject: string;
  /** A plain sentence: what is so, and what it means for the user. */
  readonly message: string;
  /** The exact SQL or setting that mends it. */
  readonly remedy?: string;
}
