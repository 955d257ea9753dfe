/** The text format of Prometheus, version 0.0.4, read as strictly as a server does, and histograms checked as promtool does. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  type: string;
  samples: Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"`;
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME})(?: (.*))?$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL}(?:,|(?=\\})))*)\\})? (\\S+)(?: -?\\d+)?$`);
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/** @throws Error naming the first line, or the family, that is not as it must be. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const series = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '' || /^#(?! (?:HELP|TYPE) )/.test(line)) continue;
    const comment = COMMENT.exec(line);
    if (comment) {
      const [, what, name = '', rest = ''] = comment;
      if (what !== 'TYPE') continue;
      if (families.has(name) || !TYPES.includes(rest)) throw new Error(`type: ${line}`);
      families.set(name, { type: rest, samples: [] });
      continue;
    }
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === '' || !isNumber(value)) throw new Error(`sample: ${line}`);
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
    if (!family) throw new Error(`a sample before its type: ${line}`);
    const sample = { name, labels: labelsOf(labels), value: numberOf(value) };
    const identity = JSON.stringify([name, Object.entries(sample.labels).sort()]);
    if (series.has(identity)) throw new Error(`twice: ${line}`);
    series.add(identity);
    family.samples.push(sample);
  }
  for (const [name, family] of families)
    if (family.type === 'histogram') checkHistogram(name, family.samples);
  return families;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) groups.set(keyOf(sample), [...(groups.get(keyOf(sample)) ?? []), sample]);
  for (const [key, group] of groups) {
    const buckets = group.filter(one => one.name === `${name}_bucket`);
    const bounds = buckets.map(one => numberOf(one.labels.le ?? ''));
    const count = group.find(one => one.name === `${name}_count`)?.value;
    const rising = (values: readonly number[]) =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] as number));
    if (!rising(bounds) || !rising(buckets.map(one => one.value)) || bounds.at(-1) !== Infinity)
      throw new Error(`buckets of ${name} ${key}`);
    if (count === undefined || buckets.at(-1)?.value !== count) throw new Error(`count of ${name} ${key}`);
  }
}

function keyOf({ labels: { le: _, ...others } }: Sample): string {
  return JSON.stringify(Object.entries(others).sort());
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in labels) throw new Error(`label ${name} twice`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function isNumber(text: string): boolean {
  return /^(?:[+-]?Inf|NaN)$/i.test(text) || /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
}

function numberOf(text: string): number {
  if (/^\+?Inf$/i.test(text)) return Infinity;
  return /^-Inf$/i.test(text) ? -Infinity : Number(text);
}
