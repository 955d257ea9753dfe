/** `semilayer/bridge-conformance`: the tests that every bridge passes, ours and those of others. */
import { after, before, describe } from 'node:test';
import type { Bridge } from '../bridge.ts';
import { describeErrors } from './errors.ts';
import { describeFilters } from './filters.ts';
import { describeReading } from './reading.ts';
import { describeShape } from './shape.ts';
import { describeStreaming } from './streaming.ts';
import type { ConformanceOptions, Suite } from './suite.ts';
import { TABLES } from './tables.ts';

export type { ConformanceOptions } from './suite.ts';
export type { CellValue, ColumnType, ConformanceTable, SqlDialect } from './tables.ts';
export { sqlOf } from './tables.ts';

/**
 * Registers the tests with node:test.
 *
 * @example
 * bridgeConformance({
 *   name: 'redis',
 *   seed: async tables => { for (const table of tables) await fill(table); },
 *   createBridge: () => new RedisBridge({ url }),
 * });
 */
export function bridgeConformance(options: ConformanceOptions): void {
  describe(`${options.name} as a bridge`, () => {
    let bridge: Bridge | undefined;
    before(async () => {
      await options.seed(Object.values(TABLES));
      bridge = await options.createBridge();
      await bridge.connect();
    });
    after(async () => {
      await bridge?.disconnect();
      await options.cleanUp?.();
    });
    const suite: Suite = {
      get bridge() {
        return bridge as Bridge;
      },
      fresh: async () => await options.createBridge(),
      without: options.unsupportedOperators ?? [],
      seedNumber: options.seedNumber ?? 1,
      generatedFilters: options.generatedFilters ?? 500,
    };
    describeShape(suite);
    describeFilters(suite);
    describeReading(suite);
    describeStreaming(suite);
    describeErrors(suite);
  });
}
