/** What the benchmarks share: order statistics, a Markdown table, the machine in a few words, what a process has used. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';

const BYTES_PER_GB = 2 ** 30;
const KB_PER_MB = 1_024;
/** Linux tells of processor time in hundredths of a second, whatever its kernel counts in. */
const MS_PER_TICK = 10;

/** A figure that was taken more than once: the one in the middle, and both ends. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** The value below which that share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('no samples, no figure');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function spreadOf(samples: readonly number[]): Spread {
  // Spreading the samples into a call of Math.min would fail where there are a hundred thousand.
  const least = samples.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = samples.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return { median: median(samples), least, most };
}

/** Round by round: neighbours in time, so that what disturbs a round disturbs both. */
export function ratiosOf(samples: readonly number[], floor: readonly number[]): number[] {
  return samples.map((sample, round) => sample / floor[round]!);
}

/** A Markdown table, the first column left-aligned and the rest right-aligned, ready for docs/benchmarks.md. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cellsOf = (row: readonly unknown[]) => row.map(cell => String(cell).replaceAll('|', '\\|'));
  const all = rows.map(cellsOf);
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...all.map(row => row[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...all.map(line)].join('\n');
}

export function describeMachine(): string {
  const system = platform() === 'linux' ? `Linux ${release().split('.', 2).join('.')}` : platform();
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / BYTES_PER_GB)} GB`;
  return `${availableParallelism()} cores (${model}), ${memory}, ${system}, Node ${process.versions.node}`;
}

/** Resident memory of a process in MB, now and at its most; undefined where the system has no /proc. */
export function residentMb(pid: number): { now: number; peak: number } | undefined {
  const status = procFile(pid, 'status');
  if (status === undefined) return undefined;
  const of = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / KB_PER_MB;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Processor time that a process has used, all its threads, in milliseconds; undefined where the system has no /proc. */
export function processorMs(pid: number): number | undefined {
  const stat = procFile(pid, 'stat');
  return stat === undefined ? undefined : processorMsOf(stat);
}

/** The same from the text of /proc/PID/stat, whose second field is a name that may hold anything. */
export function processorMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

export function rounded(value: number | undefined, digits = 0): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

function procFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
