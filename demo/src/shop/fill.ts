import { Client } from 'pg';
import { ADD_KEYS, CREATE_TABLES } from './schema.ts';

/** Rows a table has at the start, all in proportion to the orders. */
export interface ShopSize {
  readonly orders: number;
  readonly customers: number;
  readonly products: number;
  readonly reviews: number;
  readonly events: number;
  readonly wishlists: number;
}

export function shopSize(orders: number): ShopSize {
  return {
    orders,
    customers: Math.max(100, Math.round(orders / 10)),
    products: Math.max(50, Math.round(orders / 200)),
    reviews: Math.max(50, Math.round(orders / 100)),
    events: Math.max(100, Math.round(orders / 2)),
    wishlists: Math.max(100, Math.round(orders / 20)),
  };
}

/** Two connections keep a small machine's two cores busy. */
const LANES = 2;

/** Creates and fills the shop. The same size gives the same rows, whatever the machine: no random(), no now(). */
export async function fillShop(url: string, size: ShopSize): Promise<void> {
  await withClient(url, (client) => client.query(CREATE_TABLES));
  await inLanes(url, fillStatements(size));
  await inLanes(url, ADD_KEYS);
  await inLanes(url, ['ANALYZE']);
}

async function inLanes(url: string, statements: readonly string[]): Promise<void> {
  const queue = [...statements];
  const lane = async (client: Client): Promise<void> => {
    await client.query(
      "SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; SET TimeZone = 'UTC'",
    );
    for (let statement = queue.shift(); statement !== undefined; statement = queue.shift()) {
      await client.query(statement);
    }
  };
  await Promise.all(Array.from({ length: LANES }, () => withClient(url, lane)));
}

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Text of about 32 * `parts` characters that does not compress away, different for every row. */
function longText(row: string, parts: string): string {
  return `(SELECT string_agg(md5((${row} * 1000 + part)::text), ' ') FROM generate_series(1, ${parts}) part)`;
}

/** The largest first, so that the lanes end together. */
function fillStatements(size: ShopSize): string[] {
  return [
    `INSERT INTO order_items
       SELECT id, line, date '2023-01-02' + (id % 1000)::int,
         'SKU-' || (id * 31 + line * 7) % ${size.products} + 1, 1 + (id + line) % 5,
         ((id * 13 + line * 101) % 50000) / 100.0, CASE WHEN id % 4 = 0 THEN (id % 30) / 7.0 END
       FROM generate_series(1::bigint, ${size.orders}) id, generate_series(1, 1 + (id % 2)::int) line`,
    `INSERT INTO orders
       SELECT id, 1 + (id * 7919) % ${size.customers},
         (enum_range(NULL::order_status))[1 + id % 6], (ARRAY['EUR', 'USD', 'GBP'])[1 + id % 3],
         ((id * 37) % 1000000) / 100.0, 1 + id % 2,
         CASE WHEN id % 5 = 0 THEN 'Please ring twice, order ' || id || E'\\tthank you\\n\\\\o/ – ünïcödé ✓' END,
         id % 9 = 0, CASE WHEN id % 3 = 0 THEN time '08:00' + (id % 600) * interval '1 minute' END,
         timestamptz '2023-01-02 00:00:00+00' + (id % 1000) * interval '1 day' + (id % 86400) * interval '1 second'
           + (id % 1000) * interval '1 microsecond',
         CASE WHEN id % 6 > 2 THEN date '2023-01-04' + (id % 1000)::int END
       FROM generate_series(1::bigint, ${size.orders}) id`,
    `INSERT INTO payments
       SELECT md5('payment ' || id)::uuid, id, ((id * 37) % 1000000) / 100.0 + (id % 7) / 10000.0,
         (ARRAY['card', 'bank', 'wallet', 'invoice'])[1 + id % 4],
         CASE WHEN id % 3 = 0 THEN ((id % 500) / 100.0)::numeric::money END,
         (id % 90) * interval '1 second' + (id % 3) * interval '1 month',
         CASE WHEN id % 2 = 0 THEN ('10.' || id % 256 || '.0.0/16')::cidr END,
         CASE WHEN id % 4 = 0 THEN ('{"ok": true,  "code":' || id % 100 || '}')::json END,
         timestamp '2023-01-02 00:00:30' + (id % 1000) * interval '1 day' + (id % 86400) * interval '1 second'
       FROM generate_series(1::bigint, ${size.orders}) id WHERE id % 5 <> 0`,
    `INSERT INTO events
       SELECT timestamptz '2024-01-01 00:00:00+00' + id * interval '61 seconds',
         (ARRAY['view', 'search', 'cart', 'checkout'])[1 + id % 4], md5('session ' || id / 8)::uuid,
         CASE WHEN id % 3 <> 0 THEN 1 + (id * 7919) % ${size.customers} END,
         ('192.168.' || id % 256 || '.' || id % 200)::inet,
         jsonb_build_object('page', '/p/' || id % 1000, 'ms', id % 3000, 'ratio', (id % 97) / 96.0)
       FROM generate_series(1::bigint, ${size.events}) id`,
    `INSERT INTO reviews
       SELECT id, 'SKU-' || id % ${size.products} + 1, 1 + id % 5, id % 40, ${longText('id', '70 + (id % 150)::int')},
         CASE WHEN id % 10 = 0 THEN decode(repeat(md5(id::text), 100), 'hex') END,
         timestamptz '2024-01-01 00:00:00+00' + id * interval '5 minutes'
       FROM generate_series(1::bigint, ${size.reviews}) id`,
    `INSERT INTO customers
       SELECT id, md5('customer ' || id)::uuid, 'customer' || id || '@example.com', 'Customer № ' || id,
         CASE id % 4 WHEN 0 THEN '{}'::text[] WHEN 1 THEN ARRAY['vip'] WHEN 2 THEN ARRAY['a "b"', NULL, ''] ELSE ARRAY['x', 'y'] END,
         CASE WHEN id % 7 <> 0 THEN jsonb_build_object('city', 'Town ' || id % 500, 'zip', lpad((id % 99999)::text, 5, '0')) END,
         CASE WHEN id % 3 = 0 THEN ('2001:db8::' || to_hex(id % 65536))::inet WHEN id % 3 = 1 THEN ('10.1.' || id % 256 || '.7')::inet END,
         id % 2 = 0, CASE WHEN id % 11 <> 0 THEN date '1950-01-01' + (id % 20000)::int END,
         CASE WHEN id % 13 = 0 THEN 'NaN'::numeric ELSE (id % 100000) / 3.0 END,
         CASE WHEN id % 6 = 0 THEN decode(md5(id::text), 'hex') END,
         timestamptz '2022-06-01 00:00:00+00' + (id % 500) * interval '1 day'
       FROM generate_series(1::bigint, ${size.customers}) id`,
    `INSERT INTO wishlists
       SELECT 1 + (id * 31) % ${size.customers}, 'SKU-' || id % ${size.products} + 1,
         CASE WHEN id % 4 <> 0 THEN id % 9 END, date '2024-01-01' + (id % 700)::int
       FROM generate_series(1::bigint, ${size.wishlists}) id`,
    `INSERT INTO products
       SELECT 'SKU-' || id, 'Product ' || id, ((id * 97) % 90000) / 100.0, (id % 500) / 10.0, (id % 50) / 7.0,
         id % 1000, (id % 36) * interval '1 month' + (id % 5) * interval '1 day',
         jsonb_build_object('color', (ARRAY['red', 'green', 'blue'])[1 + id % 3], 'big', 12345678901234567890 + id),
         CASE WHEN id % 3 = 0 THEN ARRAY[36, 38, NULL, (id % 10)::int] END,
         daterange(date '2023-01-01' + (id % 100)::int, CASE WHEN id % 2 = 0 THEN date '2027-01-01' END),
         ${longText('id', '100 + (id % 100)::int')}, timestamptz '2024-01-01 00:00:00+00' + id * interval '1 hour'
       FROM generate_series(1::bigint, ${size.products}) id`,
  ];
}
