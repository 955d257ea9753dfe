import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { checkEnvFileWritable, readEnvFile, writeEnvFile } from '../../src/config/env-file.ts';
import { mergeEnvText, parseEnvText, valuesOf } from '../../src/config/env-file-text.ts';
import { AppError } from '../../src/errors.ts';

const NAME = fc.stringMatching(/^X[A-Z0-9_]{0,8}$/);
const VALUE = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', ' ', '#', '"', "'", '\\', '\n', '\r', '$', '=', 'é', '\t', '`'),
});

test('what was written is read back, and lines it does not name are kept', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '# a comment',
      '',
      'not an assignment',
      'OTHER=1',
      "export QUOTED='a # b'",
      'MULTI="one\ntwo"',
    ),
  );
  fc.assert(
    fc.property(
      fc.array(line),
      fc.constantFrom('\n', '\r\n'),
      fc.dictionary(NAME, VALUE),
      (lines, eol, values) => {
        const before = lines.join(eol);
        const after = mergeEnvText(before, values);
        assert.deepEqual({ ...valuesOf(parseEnvText(before)), ...values }, valuesOf(parseEnvText(after)));
        assert.ok(after.startsWith(before));
        assert.equal(mergeEnvText(after, values), after);
      },
    ),
  );
});

test('a text is the sum of its entries', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('A', '=', '"', "'", '\n', '#', ' ', '\\') }), text => {
      assert.equal(
        parseEnvText(text)
          .map(entry => entry.raw)
          .join(''),
        text,
      );
    }),
  );
});

test('reads what editors and shells write', () => {
  const text = [
    '# comment',
    'PLAIN=a b # said',
    'HASH=a#b',
    'export EXPORTED = yes ',
    "SINGLE='a $b # c\\n'",
    'DOUBLE="a\\nb\\"c"',
    'EMPTY=',
    'OPEN="never closed',
  ].join('\r\n');
  assert.deepEqual(valuesOf(parseEnvText(text)), {
    PLAIN: 'a b',
    HASH: 'a#b',
    EXPORTED: 'yes',
    SINGLE: 'a $b # c\\n',
    DOUBLE: 'a\nb"c',
    EMPTY: '',
    OPEN: '"never closed',
  });
});

for (const encoding of ['utf8', 'utf8 with a BOM', 'utf16le', 'utf16be'] as const) {
  test(`reads ${encoding}, and writes it again`, async t => {
    const file = join(await directory(t), '.env');
    const text = 'NAME=Zoë\nTOKEN=old\n';
    const bytes =
      encoding === 'utf8'
        ? Buffer.from(text)
        : encoding === 'utf8 with a BOM'
          ? Buffer.from(`\ufeff${text}`)
          : encoding === 'utf16le'
            ? Buffer.from(`\ufeff${text}`, 'utf16le')
            : Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
    await writeFile(file, bytes);
    assert.deepEqual(await readEnvFile(file), { NAME: 'Zoë', TOKEN: 'old' });
    await writeEnvFile(file, { TOKEN: 'new' });
    assert.deepEqual(await readEnvFile(file), { NAME: 'Zoë', TOKEN: 'new' });
    assert.deepEqual((await readFile(file)).subarray(0, 3), bytes.subarray(0, 3));
  });
}

test('a file that others could read is readable by nobody else afterwards, and nothing is left beside it', async t => {
  const file = join(await directory(t), '.env');
  await writeFile(file, '# mine\nTOKEN=old\nLAST=1', { mode: 0o644 });
  await chmod(file, 0o644);
  await writeEnvFile(file, { TOKEN: 'new', ID: 'x' });
  assert.equal(await readFile(file, 'utf8'), '# mine\nTOKEN=new\nLAST=1\nID=x\n');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(file, '..')), ['.env']);
});

test('a symbolic link stays one: the file behind it is replaced', async t => {
  const home = await directory(t);
  await mkdir(join(home, 'real'));
  await symlink(join('real', 'secrets.env'), join(home, '.env'));
  await writeEnvFile(join(home, '.env'), { TOKEN: 'new' });
  assert.equal(await readFile(join(home, 'real', 'secrets.env'), 'utf8'), 'TOKEN=new\n');
});

test('a link that leads out of its directory is refused, to a file that is there or not', async t => {
  const home = await directory(t);
  await mkdir(join(home, 'project'));
  const victim = join(home, 'victim');
  await writeFile(victim, 'PRECIOUS=1\n');
  const link = join(home, 'project', '.env');
  for (const [target, points] of [
    [victim, 'absolute'],
    [join('..', 'victim'), 'relative'],
    [join(home, 'gone'), 'dangling'],
    [join('..', 'project-2', '.env'), 'beside'],
  ] as const) {
    await symlink(target, link);
    for (const attempt of [() => checkEnvFileWritable(link), () => writeEnvFile(link, { TOKEN: 'canary' })]) {
      await assert.rejects(
        attempt,
        { code: 'usage', message: /symbolic link to .*outside its directory/ },
        points,
      );
    }
    await rm(link);
  }
  assert.equal(await readFile(victim, 'utf8'), 'PRECIOUS=1\n');
  assert.deepEqual((await readdir(home)).sort(), ['project', 'victim']);
});

test('a directory that others can look into, or change, is worth a warning', async t => {
  const home = await directory(t);
  for (const [mode, warning] of [
    [0o700, undefined],
    [0o750, undefined],
    [0o755, /can look into/],
    [0o777, /can write to/],
    [0o1777, /can look into/],
  ] as const) {
    await chmod(home, mode);
    const [said] = await checkEnvFileWritable(join(home, '.env'));
    if (warning === undefined) assert.equal(said, undefined, mode.toString(8));
    else assert.match(said ?? '', warning, mode.toString(8));
  }
});

test('reads what docker --env-file and Compose read', async t => {
  const file = join(await directory(t), '.env');
  const text = [
    '# a comment',
    '',
    'PLAIN=value',
    '  INDENTED=value',
    'export EXPORTED=value',
    'EMPTY=',
    'EQUALS=a=b=c',
    'HASH=a#b',
    'COMMENTED=value # said of it',
    'SINGLE=\'$HOME # "kept"\'',
    'DOUBLE="two\\nlines \\"and\\" \\$HOME"',
    'PASSED_THROUGH',
    'UNICODE=zürich',
    'LAST=no newline',
  ].join('\n');
  await writeFile(file, text);
  assert.deepEqual(await readEnvFile(file), {
    PLAIN: 'value',
    INDENTED: 'value',
    EXPORTED: 'value',
    EMPTY: '',
    EQUALS: 'a=b=c',
    HASH: 'a#b',
    COMMENTED: 'value',
    SINGLE: '$HOME # "kept"',
    DOUBLE: 'two\nlines "and" $HOME',
    UNICODE: 'zürich',
    LAST: 'no newline',
  });
});

test('a file that is not there, a directory, and a place that cannot be written are usage errors', async t => {
  const home = await directory(t);
  const isUsage = (error: unknown): boolean => error instanceof AppError && error.code === 'usage';
  await assert.rejects(readEnvFile(join(home, 'nope')), isUsage);
  await assert.rejects(checkEnvFileWritable(home), isUsage);
  await assert.rejects(checkEnvFileWritable(join(home, 'nope', '.env')), isUsage);
  await checkEnvFileWritable(join(home, '.env'));
  assert.deepEqual(await readdir(home), []);
});

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'semilayer-env-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
