import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeNamed, isOurBridge, shortBridgeName, urlProblem } from '../../src/protocol/bridge-names.ts';

test('a URL fits its bridge by its scheme, and a third-party bridge knows its own', () => {
  const table: [bridge: string, url: unknown, fits: boolean][] = [
    ['postgres', 'postgresql://u:p@h/d', true],
    ['postgres', 'postgres://h', true],
    ['postgres', 'POSTGRESQL://h', true],
    ['postgres', 'mysql://h/d', false],
    ['postgres', 'postgresql:', false],
    ['postgres', 'h:5432/d', false],
    ['postgres', '', false],
    ['postgres', 7, false],
    ['mysql', 'mysql://h/d', true],
    ['mysql', 'postgresql://h/d', false],
    ['mysql', '/var/lib/mysql', false],
    ['sqlite', 'file:/data/shop.db', true],
    ['sqlite', 'file:shop.db?mode=ro', true],
    ['sqlite', './shop.db', true],
    ['sqlite', 'C:\\data\\shop.db', true],
    ['sqlite', 'file:', false],
    ['sqlite', 'file:///', false],
    ['sqlite', 'postgresql://h/d', false],
    ['sqlite', undefined, false],
    ['@acme/bridge-oracle', 'oracle:whatever', true],
    ['@acme/bridge-oracle', undefined, true],
    ['@acme/bridge-oracle', ' ', false],
  ];
  for (const [name, url, fits] of table) {
    const problem = urlProblem(bridgeNamed(name), url);
    assert.equal(problem === undefined, fits, `${name} ${String(url)}: ${problem}`);
    if (typeof url === 'string' && url.trim() !== '' && problem) assert.ok(!problem.includes(`${url} `));
  }
});

test('short names are ours, and names of the language are nobody’s', () => {
  assert.equal(bridgeNamed('sqlite'), '@semilayer/bridge-sqlite');
  assert.equal(shortBridgeName('@semilayer/bridge-sqlite'), 'sqlite');
  assert.equal(shortBridgeName('@semilayer/bridge-redis'), '@semilayer/bridge-redis');
  assert.equal(bridgeNamed('constructor'), 'constructor');
  assert.ok(isOurBridge('@semilayer/bridge-mysql'));
  assert.ok(!isOurBridge('@semilayer/bridge-constructor'));
  assert.ok(!isOurBridge('mysql'));
});
