import { Client } from 'pg';

/** A small pseudo-random generator whose seed tests print. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The tables whose changes are hardest to follow: large unchanged values, keys that change, composite and textual keys, an
 * identity index that is not the primary key, FULL identity with and without a key, partitions, no key at all.
 */
export const HARD_TABLES = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TABLE toasted (id bigint PRIMARY KEY, n int, big text, doc jsonb, other text);
  ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL;
  CREATE TABLE "Größe, ""quoted""" ("Schlüssel a" text, b int, "värde" numeric, m mood, PRIMARY KEY (b, "Schlüssel a"));
  CREATE TABLE indexed_identity (id int PRIMARY KEY, code uuid NOT NULL UNIQUE, t timestamptz, v interval);
  ALTER TABLE indexed_identity REPLICA IDENTITY USING INDEX indexed_identity_code_key;
  CREATE TABLE full_keyed (id int PRIMARY KEY, a text, b float8); ALTER TABLE full_keyed REPLICA IDENTITY FULL;
  CREATE TABLE full_keyless (a int, b text, c json); ALTER TABLE full_keyless REPLICA IDENTITY FULL;
  CREATE TABLE appended (at timestamptz, what text, n numeric(20,5));
  CREATE TABLE parted (id bigint, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
  CREATE TABLE empty_table (id int PRIMARY KEY, v text);
`;

export const HARD_TABLE_COUNT = 8;

const KEYS = 400;

/** Fills the tables so that a first read has something to do. */
export function fillSql(rows: number): string {
  return `
    INSERT INTO toasted SELECT i, i, CASE WHEN i % 3 = 0 THEN repeat(md5(i::text), 200) ELSE 'short' END,
      jsonb_build_object('i', i, 'pad', repeat('x', (i % 5) * 800)), NULL FROM generate_series(1, ${rows}) i;
    INSERT INTO "Größe, ""quoted""" SELECT 'k' || i, i % 7, i / 3.0, (ARRAY['sad','ok','happy'])[1 + i % 3]::mood FROM generate_series(1, ${rows}) i;
    INSERT INTO indexed_identity SELECT i, md5(i::text)::uuid, '2026-01-01'::timestamptz + i * interval '1 minute', i * interval '1 second' FROM generate_series(1, ${rows}) i;
    INSERT INTO full_keyed SELECT i, 'a' || i, i / 7.0 FROM generate_series(1, ${rows}) i;
    INSERT INTO full_keyless SELECT i % 50, 'b' || i % 9, '{"x": 1}' FROM generate_series(1, ${Math.min(rows, 2000)}) i;
    INSERT INTO appended SELECT now(), 'e' || i, i FROM generate_series(1, ${rows}) i;
    INSERT INTO parted SELECT i, '2026-01-01'::date + (i % 59), 'p' || i FROM generate_series(1, ${rows}) i;`;
}

type Step = (pick: () => number, key: () => number) => string;

const STEPS: readonly Step[] = [
  (_, key) => `UPDATE toasted SET n = n + 1 WHERE id = ${key()}`,
  (_, key) => `UPDATE toasted SET big = repeat(md5('${key()}'), 150 + ${key()}), n = 0 WHERE id = ${key()}`,
  (_, key) =>
    `UPDATE toasted SET id = ${key() + 1000} WHERE id = ${key()} AND NOT EXISTS (SELECT 1 FROM toasted WHERE id = ${key() + 1000})`,
  (_, key) =>
    `UPDATE toasted SET id = -id WHERE id = ${key()} AND NOT EXISTS (SELECT 1 FROM toasted t WHERE t.id = -toasted.id)`,
  (_, key) => `DELETE FROM toasted WHERE id = ${key()}`,
  (_, key) =>
    `INSERT INTO toasted VALUES (${key()}, 7, repeat('z', 5000), '{"new": true}', '') ON CONFLICT (id) DO UPDATE SET other = 'again'`,
  (_, key) => `UPDATE toasted SET other = repeat('o', ${key()}) WHERE id BETWEEN ${key()} AND ${key()}`,
  (_, key) =>
    `INSERT INTO "Größe, ""quoted""" VALUES ('k${key()}', ${key() % 7}, ${key()}.50, 'ok') ON CONFLICT DO NOTHING`,
  (_, key) =>
    `UPDATE "Größe, ""quoted""" SET "värde" = "värde" * 1.10, m = 'happy' WHERE "Schlüssel a" = 'k${key()}'`,
  (_, key) =>
    `UPDATE "Größe, ""quoted""" SET "Schlüssel a" = 'moved' || ${key()} WHERE "Schlüssel a" = 'k${key()}' AND b = 3 AND NOT EXISTS (SELECT 1 FROM "Größe, ""quoted""" WHERE "Schlüssel a" LIKE 'moved%')`,
  (_, key) => `DELETE FROM "Größe, ""quoted""" WHERE "Schlüssel a" = 'k${key()}'`,
  (_, key) => `UPDATE indexed_identity SET v = v * 2 WHERE id = ${key()}`,
  (_, key) => `UPDATE indexed_identity SET code = gen_random_uuid() WHERE id = ${key()}`,
  (_, key) => `DELETE FROM indexed_identity WHERE id = ${key()}`,
  (_, key) =>
    `INSERT INTO indexed_identity VALUES (${key()}, gen_random_uuid(), 'infinity', '1 mon 2 days 03:04:05.678') ON CONFLICT DO NOTHING`,
  (_, key) => `UPDATE full_keyed SET b = 'NaN', a = NULL WHERE id = ${key()}`,
  (_, key) => `DELETE FROM full_keyed WHERE id = ${key()}`,
  (_, key) =>
    `INSERT INTO full_keyed VALUES (${key()}, 'new', -0.0) ON CONFLICT (id) DO UPDATE SET a = 'upserted'`,
  (_, key) => `INSERT INTO full_keyless VALUES (${key() % 50}, NULL, '{"y": [1, 2.50]}')`,
  (_, key) =>
    `UPDATE full_keyless SET b = 'u${key()}' WHERE ctid = (SELECT ctid FROM full_keyless WHERE a = ${key() % 50} LIMIT 1)`,
  (_, key) =>
    `DELETE FROM full_keyless WHERE ctid = (SELECT ctid FROM full_keyless WHERE a = ${key() % 50} LIMIT 1)`,
  (_, key) => `INSERT INTO appended VALUES (now(), 'live', ${key()}.12345)`,
  (_, key) =>
    `INSERT INTO parted VALUES (${key() + 100000}, '2026-02-02', 'live') ON CONFLICT (id, day) DO UPDATE SET v = 'conflict'`,
  (_, key) =>
    `UPDATE parted SET day = CASE WHEN day < '2026-02-01' THEN '2026-02-10'::date ELSE '2026-01-10'::date END WHERE id = ${key()} AND NOT EXISTS (SELECT 1 FROM parted p WHERE p.id = ${key()} AND p.day IN ('2026-02-10', '2026-01-10'))`,
  (_, key) => `DELETE FROM parted WHERE id = ${key()}`,
  (_, key) => `INSERT INTO empty_table VALUES (${key()}, 'x') ON CONFLICT (id) DO UPDATE SET v = 'y'`,
  (_, key) => `DELETE FROM empty_table WHERE id = ${key()}`,
];

/** What writers do to each other: serialization failures, deadlocks, clashes of keys. */
const WEATHER: ReadonlySet<string> = new Set(['40001', '40P01', '23505']);

interface WorkloadOptions {
  readonly truncates?: boolean;
  /** Between two transactions of one client. */
  readonly pauseMilliseconds?: number;
}

/** Concurrent clients that change the hard tables in random transactions until stopped. */
export class Workload {
  readonly #url: string;
  readonly #random: () => number;
  readonly #truncates: boolean;
  readonly #pauseMilliseconds: number;
  #running = false;
  #clients: Promise<void>[] = [];
  transactions = 0;

  constructor(url: string, seed: number, options: WorkloadOptions = {}) {
    this.#url = url;
    this.#random = randomOf(seed);
    this.#truncates = options.truncates ?? true;
    this.#pauseMilliseconds = options.pauseMilliseconds ?? 0;
  }

  start(clients = 3): void {
    this.#running = true;
    this.#clients = Array.from({ length: clients }, () => this.#run());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #run(): Promise<void> {
    const client = new Client({ connectionString: this.#url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      while (this.#running) {
        await this.#transaction(client);
        const pause = this.#pauseMilliseconds + (this.#random() < 0.3 ? this.#random() * 5 : 0);
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
    } finally {
      await client.end();
    }
  }

  async #transaction(client: Client): Promise<void> {
    const pick = this.#random;
    const key = (): number => 1 + Math.floor(pick() * KEYS);
    const statements = Array.from({ length: 1 + Math.floor(pick() * 4) }, () =>
      (STEPS[Math.floor(pick() * STEPS.length)] as Step)(pick, key),
    );
    if (this.#truncates && pick() < 0.002) statements.push('TRUNCATE empty_table, full_keyed');
    try {
      await client.query('BEGIN');
      for (const statement of statements) {
        if (pick() < 0.2) await client.query('SAVEPOINT s');
        await client.query(statement);
      }
      await client.query(pick() < 0.1 ? 'ROLLBACK' : 'COMMIT');
      this.transactions += 1;
    } catch (error) {
      await client.query('ROLLBACK');
      const { code } = error as { code?: string };
      if (code === undefined || !WEATHER.has(code)) throw error;
    }
  }
}
