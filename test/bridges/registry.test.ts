/** Packages of strangers, installed where the runner is started. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { registerBridge, resolveBridge } from '../../src/bridges/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const HEAD = 'async connect() {} async disconnect() {} async listTargets() { return []; }';
const manifest = (name: string): string =>
  `static manifest = { packageName: '${name}', displayName: 'x', supportsUrl: true, fields: [] };`;

/** A directory that the test runs in, with those files in its packages. */
async function project(t: TestContext, packages: Record<string, Record<string, string>>): Promise<void> {
  const directory = await temporaryDirectory(t);
  for (const [name, files] of Object.entries(packages)) {
    for (const [path, text] of Object.entries(files)) {
      const file = join(directory, 'node_modules', name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }
  const before = process.cwd();
  process.chdir(directory);
  t.after(() => process.chdir(before));
}

const json = (fields: object): string => JSON.stringify({ version: '1.0.0', ...fields });
const importOnly = json({
  type: 'module',
  exports: { '.': { types: './x.d.ts', import: './dist/index.js' } },
});

test('a bridge is found however its package exports it', async t => {
  const own = '@company/bridge-own';
  const cases: Record<string, [files: Record<string, string>, found: string]> = {
    '@semilayer/bridge-redis': [
      {
        'package.json': importOnly,
        'dist/index.js': `export class RedisBridge { ${manifest('@semilayer/bridge-redis')} ${HEAD} }`,
      },
      'RedisBridge',
    ],
    'bridge-default': [
      {
        'package.json': json({ type: 'module', main: 'index.mjs' }),
        'index.mjs': `export default class Anything { ${HEAD} }`,
      },
      'Anything',
    ],
    'bridge-common': [
      { 'package.json': json({}), 'index.js': `module.exports = class Common { ${HEAD} };` },
      'Common',
    ],
    'bridge-transpiled': [
      {
        'package.json': json({ main: './lib' }),
        'lib/index.js': `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = class Transpiled { ${HEAD} };`,
      },
      'Transpiled',
    ],
    [own]: [
      {
        'package.json': importOnly,
        'dist/index.js': `export class BaseBridge { ${manifest('@other/base')} ${HEAD} }
          export class OwnBridge extends BaseBridge { ${manifest(own)} } export const manifest = OwnBridge.manifest; export function connect() {}`,
      },
      'OwnBridge',
    ],
    'bridge-arrows': [
      {
        'package.json': json({ type: 'module', exports: './index.js' }),
        'index.js': `export class ArrowBridge { ${manifest('bridge-arrows')} connect = async () => {}; listTargets = async () => []; }`,
      },
      'ArrowBridge',
    ],
  };
  await project(t, Object.fromEntries(Object.entries(cases).map(([name, [files]]) => [name, files])));
  for (const [name, [, found]] of Object.entries(cases))
    assert.equal((await resolveBridge(name)).name, found, name);
});

test('what is not there, is broken, or is no bridge is told apart, and a name is never a path', async t => {
  await project(t, {
    'bridge-empty': { 'package.json': json({ type: 'module', main: 'i.js' }), 'i.js': 'export const x = 1;' },
    'bridge-two': {
      'package.json': json({ type: 'module', main: 'i.js' }),
      'i.js': `export class A { ${HEAD} } export class B { ${HEAD} }`,
    },
    'bridge-broken': {
      'package.json': json({ type: 'module', main: 'i.js' }),
      'i.js': "import 'not-installed-either';",
    },
    'bridge-throws': { 'package.json': json({ type: 'module', main: 'i.js' }), 'i.js': "throw 'at once';" },
  });
  const cases: [name: string, says: RegExp][] = [
    ['bridge-missing', /not installed: npm install bridge-missing/],
    ['bridge-empty', /exports no bridge class/],
    ['bridge-two', /exports no bridge class/],
    ['bridge-broken', /installed but cannot be loaded: .*not-installed-either/],
    ['bridge-throws', /installed but cannot be loaded: at once/],
    ['../bridge-two', /not the name of a package/],
    ['./node_modules/bridge-two', /not the name of a package/],
    ['/etc/passwd', /not the name of a package/],
    ['node:fs', /not the name of a package/],
    ['fs', /not the name of a package/],
    ['bridge-two/i.js', /not the name of a package/],
    ['https://example.com/x.js', /not the name of a package/],
    ['', /not the name of a package/],
  ];
  for (const [name, says] of cases) {
    await assert.rejects(resolveBridge(name), (error: Error) => {
      assert.equal(error.name, 'BridgeNotFoundError', name);
      assert.match(error.message, says);
      return true;
    });
  }
});

test('a registered bridge takes the name it is given, ours included, and is loaded when it is first needed', async () => {
  class Mine {}
  let loads = 0;
  const load = async () => {
    loads++;
    return Mine as never;
  };
  registerBridge('mine', Mine as never);
  registerBridge('@semilayer/bridge-sqlite', { load });
  assert.equal(await resolveBridge('mine'), Mine);
  assert.equal(loads, 0);
  assert.equal(await resolveBridge('sqlite'), Mine);
});
