import type { ShopSize } from './fill.ts';
import type { Random } from './random.ts';

/** What a shop does all day. Each returns the statements of one transaction. */
export interface ShopState {
  readonly random: Random;
  readonly size: ShopSize;
  /** New rows get ids of their own: no two writers give the same. */
  nextId(): number;
}

type Transaction = (state: ShopState) => string[];

/** Shares in per cent. */
const MIX: readonly (readonly [number, Transaction])[] = [
  [24, placeOrder],
  [20, changeStatus],
  [10, changePrice],
  [9, voteForReview],
  [10, recordEvents],
  [6, changeCustomer],
  [5, cancelOrder],
  [4, changeWishlist],
  [3, rewriteDescription],
  [3, renameProduct],
  [2, postponeItem],
  [2, renumberOrder],
  [1, changeTheirMind],
  [1, writeReview],
];
const TOTAL = MIX.reduce((sum, [share]) => sum + share, 0);

export function nextTransaction(state: ShopState): string[] {
  let left = state.random.next() * TOTAL;
  for (const [share, transaction] of MIX) {
    left -= share;
    if (left < 0) return transaction(state);
  }
  return placeOrder(state);
}

function someOrder({ random, size }: ShopState): number {
  return random.upTo(size.orders);
}

function someProduct({ random, size }: ShopState): string {
  return `'SKU-${random.upTo(size.products)}'`;
}

/** Several tables in one transaction. */
function placeOrder(state: ShopState): string[] {
  const { random, size } = state;
  const id = state.nextId();
  const items = random.upTo(3);
  const total = (random.upTo(1_000_000) / 100).toFixed(2);
  const customer = random.upTo(size.customers);
  return [
    `INSERT INTO orders VALUES (${id}, ${customer}, 'new', 'EUR', ${total}, ${items}, 'placed live, no. ${id}', ${random.next() < 0.1}, NULL, now(), NULL)`,
    `INSERT INTO order_items SELECT ${id}, line, current_date, ${someProduct(state)}, line, ${total}, NULL FROM generate_series(1, ${items}) line`,
    `INSERT INTO payments VALUES (md5('live payment ${id}')::uuid, ${id}, ${total}, 'card', NULL, NULL, NULL, '{"ok": true}', now() AT TIME ZONE 'UTC')`,
    `UPDATE customers SET credit = ${total} WHERE id = ${customer}`,
  ];
}

function changeStatus(state: ShopState): string[] {
  const status = state.random.pick(['paid', 'packed', 'shipped', 'delivered']);
  return [`UPDATE orders SET status = '${status}', shipped_on = current_date WHERE id = ${someOrder(state)}`];
}

/** The long description is unchanged, so the stream leaves it out. */
function changePrice(state: ShopState): string[] {
  const price = (state.random.upTo(90_000) / 100).toFixed(2);
  return [
    `UPDATE products SET price = ${price}, stock = stock - 1, updated_at = now() WHERE sku = ${someProduct(state)}`,
  ];
}

function rewriteDescription(state: ShopState): string[] {
  const parts = 60 + state.random.upTo(200);
  return [
    `UPDATE products SET description = (SELECT string_agg(md5(part::text || '${state.nextId()}'), ' ') FROM generate_series(1, ${parts}) part) WHERE sku = ${someProduct(state)}`,
  ];
}

function voteForReview(state: ShopState): string[] {
  return [`UPDATE reviews SET helpful = helpful + 1 WHERE id = ${state.random.upTo(state.size.reviews)}`];
}

function writeReview(state: ShopState): string[] {
  return [
    `INSERT INTO reviews SELECT ${state.nextId()}, ${someProduct(state)}, 5, 0, string_agg(md5(part::text || '${state.nextId()}'), ' '), NULL, now() FROM generate_series(1, 120) part`,
    `DELETE FROM reviews WHERE id = ${state.random.upTo(state.size.reviews)}`,
  ];
}

function recordEvents(state: ShopState): string[] {
  const session = `md5('live ${state.nextId()}')::uuid`;
  const count = state.random.upTo(5);
  return [
    `INSERT INTO events SELECT now(), 'view', ${session}, ${state.random.upTo(state.size.customers)}, '10.0.0.1', jsonb_build_object('n', n) FROM generate_series(1, ${count}) n`,
  ];
}

function changeCustomer(state: ShopState): string[] {
  const id = state.random.upTo(state.size.customers);
  const mail = `customer${id}.${state.nextId()}@example.org`;
  return [
    `UPDATE customers SET email = '${mail}', tags = tags || 'changed'::text, newsletter = NOT newsletter WHERE id = ${id}`,
  ];
}

function cancelOrder(state: ShopState): string[] {
  const id = someOrder(state);
  return [
    `DELETE FROM payments WHERE order_id = ${id}`,
    `DELETE FROM order_items WHERE order_id = ${id}`,
    `DELETE FROM orders WHERE id = ${id}`,
  ];
}

function changeWishlist(state: ShopState): string[] {
  const id = state.random.upTo(state.size.customers);
  return [
    `UPDATE wishlists SET wanted = coalesce(wanted, 0) % 9 + 1 WHERE customer_id = ${id}`,
    `DELETE FROM wishlists WHERE customer_id = ${state.random.upTo(state.size.customers)}`,
    `INSERT INTO wishlists VALUES (${id}, ${someProduct(state)}, NULL, current_date)`,
  ];
}

/** A key change beside an unchanged long text: the old row's description must follow. Away and sometimes back. */
function renameProduct(state: ShopState): string[] {
  const number = state.random.upTo(state.size.products);
  const [from, to] = state.random.next() < 0.5 ? ['SKU', 'NEW'] : ['NEW', 'SKU'];
  return [
    `UPDATE products SET sku = '${to}-${number}' WHERE sku = '${from}-${number}' AND NOT EXISTS (SELECT 1 FROM products WHERE sku = '${to}-${number}')`,
  ];
}

/** The row moves to another partition. */
function postponeItem(state: ShopState): string[] {
  return [
    `UPDATE order_items SET ordered_on = ordered_on + 400 WHERE order_id = ${someOrder(state)} AND line = 1`,
  ];
}

function renumberOrder(state: ShopState): string[] {
  const id = someOrder(state);
  const next = state.nextId();
  return [
    `UPDATE orders SET id = ${next} WHERE id = ${id}`,
    `UPDATE payments SET order_id = ${next} WHERE order_id = ${id}`,
  ];
}

/** Rolled back in part and as a whole. */
function changeTheirMind(state: ShopState): string[] {
  const partly = state.random.next() < 0.5;
  return [
    ...changeStatus(state),
    'SAVEPOINT maybe',
    ...placeOrder(state),
    partly ? 'ROLLBACK TO maybe' : 'ROLLBACK; BEGIN',
  ];
}
