/** The shop's tables, without their keys: those are built after filling, which is faster. */
export const CREATE_TABLES = `
CREATE TYPE order_status AS ENUM ('new', 'paid', 'packed', 'shipped', 'delivered', 'returned');
CREATE DOMAIN email_address AS text CHECK (VALUE LIKE '%@%');

CREATE TABLE customers (
  id bigint NOT NULL,
  public_id uuid NOT NULL,
  email email_address NOT NULL,
  name text NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',
  address jsonb,
  last_ip inet,
  newsletter boolean NOT NULL DEFAULT false,
  born date,
  credit numeric,
  avatar bytea,
  created_at timestamptz NOT NULL
);

CREATE TABLE products (
  sku text NOT NULL,
  name varchar(120) NOT NULL,
  price numeric(12, 2) NOT NULL,
  weight_kg real,
  rating double precision,
  stock integer NOT NULL,
  warranty interval,
  attributes jsonb NOT NULL,
  sizes integer[],
  available daterange,
  description text NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE orders (
  id bigint NOT NULL,
  customer_id bigint NOT NULL,
  status order_status NOT NULL,
  currency char(3) NOT NULL,
  total numeric(12, 2) NOT NULL,
  items smallint NOT NULL,
  note text,
  express boolean NOT NULL,
  delivery_at time,
  placed_at timestamptz NOT NULL,
  shipped_on date
);

-- A partitioned table: its partitions are one collection.
CREATE TABLE order_items (
  order_id bigint NOT NULL,
  line smallint NOT NULL,
  ordered_on date NOT NULL,
  sku text NOT NULL,
  quantity integer NOT NULL,
  unit_price numeric(12, 2) NOT NULL,
  discount numeric
) PARTITION BY RANGE (ordered_on);
CREATE TABLE order_items_2023 PARTITION OF order_items FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE order_items_2024 PARTITION OF order_items FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE order_items_2025 PARTITION OF order_items FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE order_items_later PARTITION OF order_items DEFAULT;

CREATE TABLE payments (
  id uuid NOT NULL,
  order_id bigint NOT NULL,
  amount numeric(14, 4) NOT NULL,
  provider text NOT NULL,
  fee money,
  took interval,
  from_network cidr,
  answer json,
  paid_at timestamp NOT NULL
);

-- Long texts, which Postgres stores out of line (TOAST): an update of another column does not send them.
CREATE TABLE reviews (
  id bigint NOT NULL,
  sku text NOT NULL,
  stars smallint NOT NULL,
  helpful integer NOT NULL DEFAULT 0,
  body text NOT NULL,
  photo bytea,
  written_at timestamptz NOT NULL
);
ALTER TABLE reviews ALTER COLUMN photo SET STORAGE EXTERNAL;

-- No key: rows are only ever added.
CREATE TABLE events (
  happened_at timestamptz NOT NULL,
  kind text NOT NULL,
  session uuid NOT NULL,
  customer_id bigint,
  address inet,
  payload jsonb NOT NULL
);

-- Identified by all its columns.
CREATE TABLE wishlists (
  customer_id bigint NOT NULL,
  sku text NOT NULL,
  wanted smallint,
  added_on date NOT NULL
);
`;

export const ADD_KEYS: readonly string[] = [
  'ALTER TABLE orders ADD PRIMARY KEY (id)',
  'ALTER TABLE order_items ADD PRIMARY KEY (order_id, line, ordered_on)',
  'ALTER TABLE payments ADD PRIMARY KEY (id)',
  'CREATE INDEX ON payments (order_id)',
  'ALTER TABLE customers ADD PRIMARY KEY (id)',
  'ALTER TABLE products ADD PRIMARY KEY (sku)',
  'ALTER TABLE reviews ADD PRIMARY KEY (id)',
  'ALTER TABLE wishlists REPLICA IDENTITY FULL',
  'CREATE INDEX ON wishlists (customer_id)',
];

export const TABLES = [
  'customers',
  'products',
  'orders',
  'order_items',
  'payments',
  'reviews',
  'events',
  'wishlists',
] as const;
