/** What the benchmarks share: order statistics, a Markdown table, the machine in a few words. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';

const BYTES_PER_GB = 2 ** 30;
const KB_PER_MB = 1_024;

/** The value below which that share of the samples lies. */
export function quantile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(samples) {
  return quantile(samples, 0.5);
}

/** The least and the most of the samples, each as `format` writes it. */
export function spread(samples, format) {
  return `${format(Math.min(...samples))}–${format(Math.max(...samples))}`;
}

/** A Markdown table, the first column left-aligned and the rest right-aligned, ready for docs/benchmarks.md. */
export function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map(row => String(row[column]).length)),
  );
  const line = cells =>
    `| ${cells.map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0]) : String(cell).padStart(widths[column]))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Targets beside what was measured; `isMet` is undefined where nothing could be measured. */
export function targets(rows) {
  const verdict = isMet => (isMet === undefined ? 'not measured' : isMet ? 'met' : 'MISSED');
  return table(
    ['target', 'wanted', 'measured', 'verdict'],
    rows.map(([what, wanted, measured, isMet]) => [what, wanted, measured, verdict(isMet)]),
  );
}

export function describeMachine() {
  const system = platform() === 'linux' ? `Linux ${release().split('.', 2).join('.')}` : platform();
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / BYTES_PER_GB)} GB`;
  return `${availableParallelism()} cores (${model}), ${memory}, ${system}, Node ${process.versions.node}`;
}

/** Resident memory of a process in MB, now and at its most; undefined where the system has no /proc. */
export function residentMb(pid) {
  let status;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
  const of = key => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / KB_PER_MB;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

export function rounded(value, digits = 0) {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}
