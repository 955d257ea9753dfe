/** What each form of a filter finds, written out: three-valued logic, empty lists, wildcards, nesting. */
import type { Where } from './generate.ts';
import type { CellValue } from './tables.ts';

type Row = Record<string, CellValue>;
type Case = [where: Where, finds: (row: Row) => boolean];

const all = (): boolean => true;
const none = (): boolean => false;
const lower = (value: CellValue | undefined): string => String(value ?? '').toLowerCase();
const has = (value: CellValue | undefined): boolean => value !== null;

/** Of the table of people; the second of each is what SQL's logic makes of the first. */
export const WHERE_CASES: Case[] = [
  [{}, all],
  [{ name: 'cat' }, row => row.name === 'cat'],
  [{ name: 'cat', age: 4 }, row => row.name === 'cat' && row.age === 4],
  [{ age: null }, row => row.age === null],
  [{ age: { $eq: null } }, row => row.age === null],
  [{ age: { $ne: null } }, row => has(row.age)],
  [{ age: { $ne: 4 } }, row => has(row.age) && row.age !== 4],
  [{ age: { $gt: 3, $lte: 7 } }, row => has(row.age) && Number(row.age) > 3 && Number(row.age) <= 7],
  [
    { score: { $gte: -0.25, $lt: 0.5 } },
    row => has(row.score) && Number(row.score) >= -0.25 && Number(row.score) < 0.5,
  ],
  [{ name: { $gt: 'cat' } }, row => String(row.name) > 'cat'],
  [{ age: [1, 2] }, row => row.age === 1 || row.age === 2],
  [{ age: { $in: [1, null] } }, row => row.age === 1],
  [{ age: { $in: [] } }, none],
  [{ age: { $nin: [] } }, all],
  [{ age: { $nin: [1, 2] } }, row => has(row.age) && row.age !== 1 && row.age !== 2],
  [{ age: { $nin: [1, null] } }, none],
  [{ age: { $exists: true } }, row => has(row.age)],
  [{ age: { $exists: false } }, row => row.age === null],
  [{ note: { $contains: '%' } }, row => lower(row.note).includes('%')],
  [{ note: { $contains: '_' } }, row => lower(row.note).includes('_')],
  [{ note: { $contains: '\\' } }, row => lower(row.note).includes('\\')],
  [{ note: { $contains: '' } }, row => has(row.note)],
  [{ note: { $startsWith: 'upper' } }, row => lower(row.note).startsWith('upper')],
  [{ note: { $endsWith: 'CASE' } }, row => lower(row.note).endsWith('case')],
  [{ note: { $like: 'UPPER%' } }, row => String(row.note).startsWith('UPPER')],
  [{ note: { $like: 'upper%' } }, none],
  [{ note: { $ilike: 'upper%' } }, row => lower(row.note).startsWith('upper')],
  [{ note: { $like: '__' } }, row => [...String(row.note ?? '')].length === 2],
  [{ note: { $like: '%\\%' } }, row => String(row.note ?? '').endsWith('%')],
  [{ note: { $like: '50\\_50' } }, row => row.note === '50_50'],
  [{ note: "it's" }, row => row.note === "it's"],
  [{ note: '東京' }, row => row.note === '東京'],
  [{ note: '' }, row => row.note === ''],
  [{ $and: [] }, all],
  [{ $or: [] }, none],
  [{ $or: [{ age: 1 }, { name: 'fox' }] }, row => row.age === 1 || row.name === 'fox'],
  [
    { $and: [{ age: { $gt: 2 } }, { $or: [{ name: 'ant' }, { name: 'bee' }] }] },
    row => Number(row.age ?? -1) > 2 && (row.name === 'ant' || row.name === 'bee'),
  ],
  [{ $not: { age: 4 } }, row => has(row.age) && row.age !== 4],
  [{ $not: { $not: { age: 4 } } }, row => row.age === 4],
  [{ $not: { age: 4, name: 'cat' } }, row => row.name !== 'cat' || (has(row.age) && row.age !== 4)],
  [
    { $not: { $or: [{ age: 4 }, { name: 'cat' }] } },
    row => row.name !== 'cat' && has(row.age) && row.age !== 4,
  ],
  [{ $not: { age: { $nin: [4] } } }, row => row.age === 4],
  [{ $not: { note: { $contains: 'e' } } }, row => has(row.note) && !lower(row.note).includes('e')],
  [{ $not: {} }, none],
  [{ $not: { $or: [] } }, all],
  [
    { age: { $not: { $gt: 3, $lt: 6 } } },
    row => has(row.age) && !(Number(row.age) > 3 && Number(row.age) < 6),
  ],
  [
    { name: 'cat', $or: [{ age: null }, { age: 1 }], $not: { score: null } },
    row => row.name === 'cat' && (row.age === null || row.age === 1) && has(row.score),
  ],
];

/** The operators that a filter names, whatever it nests. */
export function operatorsIn(where: unknown): string[] {
  if (typeof where !== 'object' || where === null) return [];
  return Object.entries(where).flatMap(([key, value]) => [
    ...(key.startsWith('$') ? [key] : []),
    ...operatorsIn(value),
  ]);
}
