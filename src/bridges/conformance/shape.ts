/** The class itself, its connection, and what it says about the database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BridgeClass } from '../bridge.ts';
import type { Suite } from './suite.ts';
import { TABLES } from './tables.ts';

const METHODS = [
  'connect',
  'read',
  'count',
  'query',
  'batchRead',
  'listTargets',
  'introspectTarget',
  'disconnect',
];

export function describeShape(suite: Suite): void {
  test('has the methods of the interface, and a manifest', () => {
    const { bridge } = suite;
    for (const method of METHODS) {
      assert.equal(typeof (bridge as unknown as Record<string, unknown>)[method], 'function', method);
    }
    const { manifest } = bridge.constructor as unknown as BridgeClass;
    assert.ok(manifest, 'a static manifest');
    for (const key of ['packageName', 'displayName'] as const)
      assert.equal(typeof manifest[key], 'string', key);
    assert.equal(typeof manifest.supportsUrl, 'boolean');
    for (const field of manifest.fields) assert.ok(field.key !== '' && field.label !== '' && field.type);
  });

  test('connects, answers and disconnects, as often as it is asked to', async () => {
    for (let round = 0; round < 3; round++) {
      const bridge = await suite.fresh();
      await bridge.connect();
      assert.equal(Number(totalOf(await bridge.count(TABLES.people.name, {}))), TABLES.people.rows.length);
      await bridge.disconnect();
    }
    const unused = await suite.fresh();
    await unused.disconnect();
  });

  test('answers questions side by side', async () => {
    const { bridge } = suite;
    const { name, rows } = TABLES.people;
    const answers = await Promise.all(
      rows.map(async row => (await bridge.query(name, { where: { id: row.id }, select: ['id'] })).rows),
    );
    assert.deepEqual(
      answers,
      rows.map(row => [{ id: row.id }]),
    );
  });

  test('lists its targets', async () => {
    const listed = (await suite.bridge.listTargets()).map(target =>
      typeof target === 'string' ? target : target.name,
    );
    for (const { name } of Object.values(TABLES)) {
      assert.ok(
        listed.some(one => one === name || one.endsWith(`.${name}`)),
        `${name} among ${listed}`,
      );
    }
  });

  test('knows the columns of a target: name, type, whether it may be null, whether it is of the key', async () => {
    for (const { name, columns } of Object.values(TABLES)) {
      const schema = await suite.bridge.introspectTarget(name);
      const seen = schema.columns.map(column => ({ ...column, type: typeof column.type }));
      assert.deepEqual(
        seen.map(({ name: column, type, nullable, primaryKey }) => ({ column, type, nullable, primaryKey })),
        columns.map(({ name: column, nullable, primaryKey }) => ({
          column,
          type: 'string',
          nullable,
          primaryKey,
        })),
      );
    }
  });
}

/** A count, in either form of the interface. */
export function totalOf(counted: number | { total: number }): number {
  return typeof counted === 'number' ? counted : counted.total;
}
