/** Decimal numbers of any length, exactly: what a column of a fixed scale can hold of them. */

/** A number by its digits; `whole` has no leading zeros, and beyond `MAX_DIGITS` only the sign is told. */
export type Decimal =
  | { negative: boolean; whole: string; fraction: string }
  | { negative: boolean; beyond: true };

/** Longer than any column's number: a DECIMAL has 65 digits. */
const MAX_DIGITS = 100;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The number that a text spells in full; undefined where it spells none. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign, before = '', after = '', exponent = '0'] = match;
  if (before === '' && after === '') return undefined;
  const negative = sign === '-';
  const leading = /^0*/.exec(before + after)?.[0].length ?? 0;
  const digits = (before + after).slice(leading);
  if (digits === '') return { negative: false, whole: '', fraction: '' };
  const point = before.length - leading + Number(exponent);
  if (point > MAX_DIGITS) return { negative, beyond: true };
  if (point < -MAX_DIGITS) return { negative, whole: '', fraction: `${'0'.repeat(MAX_DIGITS)}1` };
  if (point <= 0) return { negative, whole: '', fraction: '0'.repeat(-point) + digits };
  return { negative, whole: digits.slice(0, point).padEnd(point, '0'), fraction: digits.slice(point) };
}

/** The greatest number of that many decimals that is no greater, as a count of its last decimal. */
export function floorAt(
  number: Exclude<Decimal, { beyond: true }>,
  scale: number,
): { units: bigint; exact: boolean } {
  const kept = number.fraction.slice(0, scale).padEnd(scale, '0');
  const exact = !/[1-9]/.test(number.fraction.slice(scale));
  const units = BigInt(`${number.whole}${kept}` || '0');
  return { units: number.negative ? -units - (exact ? 0n : 1n) : units, exact };
}

/** Digits of a count of the last decimal, as SQL reads them exactly. */
export function unitsText(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
