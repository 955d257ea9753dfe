import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf } from '../../src/output/colour.ts';

const TERMINAL = { isTTY: true };
const PIPE = {};

const CASES: [
  why: string,
  stream: object,
  env: Record<string, string>,
  flag: boolean | undefined,
  colour: boolean,
][] = [
  ['a terminal', TERMINAL, {}, undefined, true],
  ['a pipe', PIPE, {}, undefined, false],
  ['--color goes before everything', PIPE, { NO_COLOR: '1', TERM: 'dumb' }, true, true],
  ['--no-color goes before everything', TERMINAL, { FORCE_COLOR: '3' }, false, false],
  ['NO_COLOR', TERMINAL, { NO_COLOR: '1' }, undefined, false],
  ['an empty NO_COLOR says nothing', TERMINAL, { NO_COLOR: '' }, undefined, true],
  ['FORCE_COLOR on a pipe', PIPE, { FORCE_COLOR: '1' }, undefined, true],
  ['FORCE_COLOR=0', TERMINAL, { FORCE_COLOR: '0' }, undefined, false],
  ['a dumb terminal', TERMINAL, { TERM: 'dumb' }, undefined, false],
];

for (const [why, stream, env, flag, colour] of CASES) {
  test(`colour: ${why}`, () => assert.equal(levelOf(stream, env, flag) > 0, colour));
}
