/** A bridge to a directory of JSON files, one a target: `{"columns": […], "rows": […]}`. Complete, and small. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { matches } from './filter.js';

const NAME = '@example/bridge-json-files';
const PAGE_ROWS = 1_000;

export class JsonFilesBridge {
  /** What `sources add` asks for and lists. The runner finds this class by its name and its manifest. */
  static manifest = {
    packageName: NAME,
    displayName: 'JSON files',
    supportsUrl: false,
    fields: [
      { key: 'directory', label: 'Directory', type: 'string', required: true, placeholder: '/srv/data' },
    ],
  };

  capabilities = { exactCount: true };

  /** Keeps the config and does nothing else: a constructor that connects cannot be waited for. */
  constructor(config) {
    this.directory = String(config.directory);
  }

  /** Fails where the database cannot be reached; the message reaches the caller, so it holds no secret. */
  async connect() {
    await readdir(this.directory).catch(() => {
      throw Object.assign(new Error('the directory cannot be read'), { name: 'SourceUnreachableError' });
    });
  }

  async disconnect() {}

  async listTargets() {
    const files = await readdir(this.directory);
    return files
      .filter(file => file.endsWith('.json'))
      .map(file => file.slice(0, -'.json'.length))
      .sort();
  }

  async introspectTarget(target) {
    const { columns } = await this.#load(target);
    return { name: target, columns };
  }

  async count(target, { where } = {}) {
    return (await this.#find(target, { where })).rows.length;
  }

  async query(target, options = {}) {
    return await this.#find(target, options);
  }

  async batchRead(target, options = {}) {
    return (await this.#find(target, options)).rows;
  }

  /** A page in the order of the key. Each begins after the key that the one before ended with: no row is seen twice. */
  async read(target, { limit = PAGE_ROWS, cursor, fields, changedSince, changeTrackingColumn } = {}) {
    const table = await this.#load(target);
    const key = table.columns.filter(column => column.primaryKey).map(column => column.name);
    const after = cursor === undefined ? undefined : JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const keyOf = row => key.map(name => row[name]);
    if (changedSince !== undefined) known(table, target, changeTrackingColumn);
    const rows = table.rows
      .filter(row => after === undefined || compareAll(keyOf(row), after) > 0)
      .filter(row => changedSince === undefined || compare(row[changeTrackingColumn], changedSince) > 0)
      .sort((a, b) => compareAll(keyOf(a), keyOf(b)));
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      rows: page.map(row => pick(table, target, row, fields)),
      // There is a cursor only where there is another row.
      ...(rows.length > limit && last
        ? { nextCursor: Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') }
        : {}),
    };
  }

  async #find(target, { where = {}, orderBy = [], select, limit = Number.POSITIVE_INFINITY, offset = 0 }) {
    const table = await this.#load(target);
    const order = Array.isArray(orderBy) ? orderBy : [orderBy];
    for (const { field } of order) known(table, target, field);
    const about = { bridge: NAME, target, known: field => known(table, target, field) };
    const rows = table.rows
      // Only what is true is found: what is unknown (null) is not.
      .filter(row => matches(where, row, about) === true)
      .sort((a, b) => {
        for (const { field, dir } of order) {
          const found = compare(a[field], b[field]);
          if (found !== 0) return dir === 'desc' ? -found : found;
        }
        return 0;
      })
      .slice(offset, offset + limit)
      .map(row => pick(table, target, row, select));
    // An empty table finds wrong filters too.
    if (table.rows.length === 0) matches(where, {}, about);
    for (const field of select ?? []) known(table, target, field);
    return { rows };
  }

  /** The target is looked up in the list, never made into a path: `../` is the name of no file in it. */
  async #load(target) {
    if (!(await this.listTargets()).includes(target))
      throw new Error(`there is no file ${JSON.stringify(target)}`);
    return JSON.parse(await readFile(join(this.directory, `${target}.json`), 'utf8'));
  }
}

function known(table, target, field) {
  if (table.columns.some(column => column.name === field)) return;
  throw new Error(`there is no column ${JSON.stringify(field)} in ${JSON.stringify(target)}`);
}

function pick(table, target, row, fields = table.columns.map(column => column.name)) {
  for (const field of fields) known(table, target, field);
  return Object.fromEntries(fields.map(field => [field, row[field] ?? null]));
}

function compareAll(a, b) {
  return a.reduce((order, value, index) => order || compare(value, b[index]), 0);
}

/** Nulls first. */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
