/** A small shop in SQLite for the demo, `dev` and tests: believable, and the same rows for the same seed. */
import { openSqlite, type SqliteDatabase } from '../platform/sqlite.ts';

export interface SampleOptions {
  /** Orders to make. */
  rows: number;
  seed?: number;
}

const SCHEMA = `
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, city TEXT NOT NULL, created_at TEXT NOT NULL);
  CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price REAL NOT NULL);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), status TEXT NOT NULL,
    total REAL NOT NULL, created_at TEXT NOT NULL, shipped_at TEXT);
  CREATE TABLE order_items (order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, price REAL NOT NULL,
    PRIMARY KEY (order_id, line)) WITHOUT ROWID;
  CREATE INDEX orders_by_customer ON orders (customer_id);
  CREATE INDEX orders_by_status ON orders (status, created_at);
`;

const FIRST_NAMES =
  'Ada Bruno Chiara Dario Elena Farid Grete Hugo Ines Jonas Kaja Luca Mara Nils Oumar Petra Rosa Sven Talia Yusuf'.split(
    ' ',
  );
const LAST_NAMES =
  'Abel Berg Conti Duarte Eriksen Fischer Garcia Hansen Ito Jansen Keller Lind Moreau Novak Okafor Petit Rossi Silva Tanaka Weber'.split(
    ' ',
  );
const CITIES = ['Lisbon', 'Turin', 'Oslo', 'Graz', 'Ghent', 'Málaga', 'Tampere', 'Kraków', 'Lyon', 'Bern'];
const PRODUCTS: [name: string, category: string, price: number][] = [
  ['Notebook, ruled', 'paper', 4.9],
  ['Fountain pen', 'writing', 38],
  ['Ink, blue-black', 'writing', 11.5],
  ['Desk lamp', 'office', 64],
  ['Chair, oak', 'furniture', 219],
  ['Standing desk', 'furniture', 489],
  ['Paper clips, 200', 'office', 3.2],
  ['Sketchbook A4', 'paper', 14.8],
  ['Pencil set', 'writing', 19.9],
  ['Bookshelf', 'furniture', 149],
];
/** The last orders of the year wait for the carrier, each with two standing desks: a filter always finds some. */
const LARGE_SHIPPED = 3;
const LARGE_ITEM = { product: 5, quantity: 2 };
/** By how often an order has them. */
const STATUSES: [status: string, share: number][] = [
  ['delivered', 0.55],
  ['shipped', 0.2],
  ['processing', 0.13],
  ['pending', 0.07],
  ['cancelled', 0.05],
];
const START = Date.UTC(2025, 0, 1);
const YEAR_MS = 365 * 86_400_000;

/**
 * Writes the database; `file` must not exist.
 *
 * @returns the names of its tables.
 */
export async function writeSampleDatabase(
  file: string,
  options: SampleOptions,
): Promise<{ tables: string[] }> {
  const database = await openSqlite(file, { readOnly: false });
  try {
    database.exec('BEGIN');
    database.exec(SCHEMA);
    fill(database, options);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
  return { tables: ['customers', 'products', 'orders', 'order_items'] };
}

function fill(database: SqliteDatabase, { rows, seed = 1 }: SampleOptions): void {
  const fraction = sequence(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(fraction() * items.length)] as T;
  const customers = Math.max(1, Math.ceil(rows / 8));

  const customer = database.prepare('INSERT INTO customers VALUES (?, ?, ?, ?, ?)');
  for (let id = 1; id <= customers; id++) {
    const [first, last] = [pick(FIRST_NAMES), pick(LAST_NAMES)];
    const email = `${first}.${last}.${id}@example.com`.toLowerCase();
    customer.run([id, `${first} ${last}`, email, pick(CITIES), instant(START - fraction() * YEAR_MS)]);
  }
  const product = database.prepare('INSERT INTO products VALUES (?, ?, ?, ?)');
  for (const [index, values] of PRODUCTS.entries()) product.run([index + 1, ...values]);

  const order = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)');
  const item = database.prepare('INSERT INTO order_items VALUES (?, ?, ?, ?, ?)');
  for (let id = 1; id <= rows; id++) {
    const createdAt = START + ((id - 1 + fraction()) / rows) * YEAR_MS;
    const isLarge = id > rows - LARGE_SHIPPED;
    const picked = pickStatus(fraction());
    const status = isLarge ? 'shipped' : picked;
    const lines = 1 + Math.floor(fraction() * 3);
    const chosen = Array.from({ length: lines }, () => ({
      product: Math.floor(fraction() * PRODUCTS.length),
      quantity: 1 + Math.floor(fraction() * 3),
    }));
    if (isLarge) chosen[0] = LARGE_ITEM;
    const total = chosen.reduce((sum, line) => sum + line.quantity * (PRODUCTS[line.product]?.[2] ?? 0), 0);
    const sent = status === 'shipped' || status === 'delivered';
    const shippedAt = sent ? instant(createdAt + (0.5 + fraction() * 4) * 86_400_000) : null;
    const customerId = 1 + Math.floor(fraction() * customers);
    order.run([id, customerId, status, Math.round(total * 100) / 100, instant(createdAt), shippedAt]);
    for (const [line, { product: index, quantity }] of chosen.entries()) {
      item.run([id, line + 1, index + 1, quantity, PRODUCTS[index]?.[2] ?? 0]);
    }
  }
}

function pickStatus(fraction: number): string {
  let rest = fraction;
  for (const [status, share] of STATUSES) {
    rest -= share;
    if (rest < 0) return status;
  }
  return 'delivered';
}

/** To the second, as a shop would store it. */
function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Numbers in [0, 1) that are the same for the same seed everywhere: mulberry32. */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
