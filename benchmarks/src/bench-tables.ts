/** A table to copy, filled on the server, deterministic. */
export interface BenchTable {
  readonly name: string;
  readonly rows: number;
  readonly create: string;
  readonly fill: string;
  readonly primaryKey: string;
}

/** Ten columns of about 150 bytes: what an application's main table looks like. */
export function orders(rows: number): BenchTable {
  return {
    name: 'orders',
    rows,
    create: `CREATE TABLE orders (id bigint NOT NULL, customer_id int NOT NULL, quantity int, amount numeric(12,2), created_at timestamptz NOT NULL,
      status text, note text, paid boolean, attributes jsonb, token uuid)`,
    fill: `INSERT INTO orders SELECT i, (i::bigint * 7919) % 1000000, i % 20, (i % 100000) / 100.0, '2024-01-01'::timestamptz + i * interval '7 seconds',
      (ARRAY['new','paid','shipped','returned'])[1 + i % 4], 'note for order ' || md5(i::text), i % 3 = 0,
      jsonb_build_object('channel', 'web', 'items', i % 9), md5(i::text)::uuid FROM generate_series(1, ${rows}) i`,
    primaryKey: 'id',
  };
}

/** pgbench's accounts: many small rows. */
export function accounts(rows: number): BenchTable {
  return {
    name: 'accounts',
    rows,
    create: 'CREATE TABLE accounts (aid int NOT NULL, bid int, abalance int, filler char(84))',
    fill: `INSERT INTO accounts SELECT i, i / 100000, 0, '' FROM generate_series(1, ${rows}) i`,
    primaryKey: 'aid',
  };
}
