/** What a bridge's author gives to the suite, and what its parts share. */
import type { Bridge } from '../bridge.ts';
import type { ConformanceTable } from './tables.ts';

export interface ConformanceOptions {
  /** What the tests are called by. */
  name: string;
  /** Makes the tables in an empty database, once, before any bridge is made. `sqlOf` writes the SQL for most. */
  seed(tables: readonly ConformanceTable[]): void | Promise<void>;
  /** A bridge on that database, not yet connected; called several times. */
  createBridge(): Bridge | Promise<Bridge>;
  /** Called at the very end. */
  cleanUp?(): void | Promise<void>;
  /** Operators that the bridge refuses with an UnsupportedOperatorError; default none. */
  unsupportedOperators?: readonly string[];
  /** Of the generated filters; printed with the test. Default 1. */
  seedNumber?: number;
  /** How many filters are generated. Default 500. */
  generatedFilters?: number;
}

/** What the parts of the suite share. */
export interface Suite {
  /** The connected bridge that most tests ask. */
  readonly bridge: Bridge;
  /** Another bridge on the same database; the test disconnects it. */
  fresh(): Promise<Bridge>;
  without: readonly string[];
  seedNumber: number;
  generatedFilters: number;
}
