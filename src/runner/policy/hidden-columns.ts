/** The columns of one target that a policy masks or drops: asked about they are refused, answered with they are hidden. */
import { type Matches, wordsOf } from './patterns.ts';

export interface HiddenColumnsOptions {
  masked: readonly Matches[];
  dropped: readonly Matches[];
  /** What a masked column reads. */
  maskWith: string | null;
}

export class HiddenColumns {
  readonly #options: HiddenColumnsOptions;
  /** How each key of the rows so far is treated: rows of one answer have the same keys. */
  readonly #known = new Map<string, 'shown' | 'masked' | 'dropped'>();

  constructor(options: HiddenColumnsOptions) {
    this.#options = options;
  }

  get any(): boolean {
    return this.#options.masked.length + this.#options.dropped.length > 0;
  }

  treatmentOf(column: string): 'shown' | 'masked' | 'dropped' {
    const known = this.#known.get(column);
    if (known) return known;
    const { masked, dropped } = this.#options;
    const treatment = dropped.some(matches => matches(column))
      ? 'dropped'
      : masked.some(matches => matches(column))
        ? 'masked'
        : 'shown';
    this.#known.set(column, treatment);
    return treatment;
  }

  /** The hidden column that this text names, or could be taken to name; undefined where there is none. */
  namedIn(text: string): string | undefined {
    return [text, ...wordsOf(text)].find(word => this.treatmentOf(word) !== 'shown');
  }

  /** As `namedIn`, but a masked column's own name may be said: its mask can be asked for. */
  unselectableIn(text: string): string | undefined {
    if (this.treatmentOf(text) === 'masked') return undefined;
    return this.namedIn(text);
  }

  /** A copy of the row as it may leave. */
  cover(row: object): Record<string, unknown> {
    const covered: [string, unknown][] = [];
    for (const [key, value] of Object.entries(row)) {
      const treatment = this.treatmentOf(key);
      if (treatment === 'shown') covered.push([key, value]);
      else if (treatment === 'masked') covered.push([key, this.#options.maskWith]);
    }
    return Object.fromEntries(covered);
  }
}
