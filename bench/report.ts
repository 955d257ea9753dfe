/** One benchmark's settings, and what it finds: printed for people, and kept with `--json FILE` for everything else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from './figures.ts';
import {
  type Result,
  type Series,
  seriesTable,
  settingsLine,
  type Target,
  targetsTable,
  versionsLine,
} from './result.ts';

type Setting = string | number | boolean;

/** A setting's usual value, and the one of the short form, which is over in seconds and good for comparing alone. */
export type Defaults = Record<string, readonly [usual: Setting, short: Setting]>;

export class Report {
  readonly settings: Record<string, Setting>;
  readonly isShort: boolean;
  readonly #result: Result;
  readonly #file: string | undefined;

  /**
   * Takes the settings from the command line: a flag each, `--short` for the short form of all, `--json FILE`.
   *
   * @throws where a flag is unknown or no number is given for one.
   */
  constructor(name: string, defaults: Defaults = {}, args = process.argv.slice(2)) {
    const { values } = parseArgs({
      args,
      allowNegative: true,
      options: {
        json: { type: 'string' },
        short: { type: 'boolean', default: false },
        ...Object.fromEntries(
          Object.entries(defaults).map(([key, [usual]]) => [
            key,
            { type: typeof usual === 'boolean' ? ('boolean' as const) : ('string' as const) },
          ]),
        ),
      },
    });
    const given: Record<string, string | boolean | undefined> = values;
    this.isShort = values.short === true;
    this.#file = values.json;
    this.settings = Object.fromEntries(
      Object.entries(defaults).map(([key, [usual, short]]) => [
        key,
        settingOf(key, given[key], this.isShort ? short : usual),
      ]),
    );
    this.#result = {
      name,
      machine: describeMachine(),
      versions: { semilayer: ownVersion() },
      settings: { ...this.settings, ...(this.isShort ? { short: true } : {}) },
      series: [],
      targets: [],
      notMeasured: [],
    };
  }

  /** What else took part, and in which version. */
  version(name: string, version: string): void {
    this.#result.versions[name] = version;
  }

  add(series: Series): void {
    this.#result.series.push(series);
  }

  target(what: string, wanted: string, measured: string, isMet: boolean | undefined): void {
    const target: Target = { what, wanted, measured, isMet: isMet ?? null };
    this.#result.targets.push(target);
  }

  /** Said loudly: a figure that is silently not there looks like one that nobody thought of. */
  notMeasured(why: string): void {
    this.#result.notMeasured.push(why);
    process.stderr.write(`NOT MEASURED: ${why}\n`);
  }

  /** Prints it, and writes the file that was named. */
  finish(): void {
    const { machine, versions, settings, series, targets, notMeasured } = this.#result;
    const parts = [
      [machine, versionsLine(versions), settingsLine(settings)].filter(line => line !== '').join('\n'),
      ...series.map(one => [seriesTable(one), ...(one.note ? [one.note] : [])].join('\n\n')),
      ...(targets.length > 0 ? [targetsTable(targets)] : []),
      ...notMeasured.map(why => `NOT MEASURED: ${why}`),
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
    if (this.#file) writeFileSync(this.#file, `${JSON.stringify(this.#result, roundedNumbers, 2)}\n`);
  }
}

function settingOf(key: string, given: string | boolean | undefined, fallback: Setting): Setting {
  if (given === undefined) return fallback;
  if (typeof fallback !== 'number') return given;
  const number = Number(given);
  if (!Number.isFinite(number)) throw new Error(`--${key} takes a number, not ${String(given)}`);
  return number;
}

/** Six digits say all that a clock can: the rest is noise that makes every file differ. */
function roundedNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

function ownVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
