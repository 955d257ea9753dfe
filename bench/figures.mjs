/** What the benchmarks share: order statistics, a Markdown table, the machine in a few words. */
import { availableParallelism, platform } from 'node:os';

/** The value below which that share of the samples lies. */
export function quantile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(samples) {
  return quantile(samples, 0.5);
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

export function describeMachine() {
  const system = platform() === 'linux' ? 'Linux' : platform();
  return `${availableParallelism()} cores, ${system}, Node ${process.versions.node}`;
}
