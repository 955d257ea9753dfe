/** Dates and times as filters give them, as literals whose type and meaning do not depend on the session. */

export type TemporalType = 'date' | 'datetime' | 'timestamp' | 'time';

export interface TemporalLiteral {
  /** Whole literal, such as `DATE'2026-01-31'`: of digits and signs alone. */
  sql: string;
  /** False where the text says more than the column keeps; the literal is then the value just before. */
  exact: boolean;
}

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const TIME = /^(-?)(\d{1,3}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?$/;
/** The server's own limit of a TIME, in hours. */
const MAX_HOURS = 838;

/**
 * The literal, in what the column keeps: an index may round what is finer.
 *
 * @param decimals of a second that the column keeps.
 * @returns undefined for a text that is no value of the type.
 */
export function parseTemporal(
  type: TemporalType,
  decimals: number,
  text: string,
): TemporalLiteral | undefined {
  return type === 'time' ? parseTime(decimals, text) : parseDateTime(type, decimals, text);
}

/** `2026-01-31`, or with a time, and with an offset that is taken off: every session is in UTC. */
function parseDateTime(type: TemporalType, decimals: number, text: string): TemporalLiteral | undefined {
  const match = DATE_TIME.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (!isDay(Number(year), Number(month), Number(day))) return undefined;
  const shift = minutesOf(offset);
  if (shift === undefined) return undefined;
  let date = `${year}-${month}-${day}`;
  let time = `${hour}:${minute}:${second}`;
  if (shift !== 0) {
    const instant = new Date(`${date}T${time}Z`).getTime() - shift * 60_000;
    const shifted = new Date(instant);
    if (Number.isNaN(instant) || shifted.getUTCFullYear() < 0 || shifted.getUTCFullYear() > 9_999)
      return undefined;
    [date, time] = shifted.toISOString().slice(0, 19).split('T') as [string, string];
  }
  if (type === 'date') return { sql: `DATE'${date}'`, exact: !/[1-9]/.test(time + fraction) };
  const { kept, exact } = decimalsOf(fraction, decimals);
  return { sql: `TIMESTAMP'${date} ${time}${kept}'`, exact };
}

function parseTime(decimals: number, text: string): TemporalLiteral | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [, sign, hours, minutes, seconds = '00', fraction = ''] = match;
  if (Number(hours) > MAX_HOURS || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const { kept, exact } = decimalsOf(fraction, decimals);
  // Below zero the one before is further from it, which the server has no word for at its very end: no literal then.
  if (!exact && sign === '-') return undefined;
  return { sql: `TIME'${sign}${hours}:${minutes}:${seconds}${kept}'`, exact };
}

function decimalsOf(fraction: string, decimals: number): { kept: string; exact: boolean } {
  const kept = decimals === 0 ? '' : `.${fraction.slice(0, decimals).padEnd(decimals, '0')}`;
  return { kept, exact: !/[1-9]/.test(fraction.slice(decimals)) };
}

/** Zero dates, and dates with zero parts, are what old tables hold. */
function isDay(year: number, month: number, day: number): boolean {
  if (month === 0 || day === 0) return month <= 12 && day <= 31;
  return month <= 12 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Minutes east of UTC; undefined for what is no offset. */
function minutesOf(offset: string | undefined): number | undefined {
  if (offset === undefined || /^z$/i.test(offset)) return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 14 || minutes > 59) return undefined;
  return (offset[0] === '-' ? -1 : 1) * (hours * 60 + minutes);
}
