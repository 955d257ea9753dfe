/** The options of a question, parsed for a bridge: an operator nobody has is the bridge interface's own error. */
import { WhereError } from '../where/where.ts';
import { UnsupportedOperatorError } from './bridge.ts';

/** @throws UnsupportedOperatorError naming operator, target and bridge; WhereError for what is malformed. */
export function understood<T>(bridge: string, target: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof WhereError && error.kind === 'unsupported_operator') {
      throw new UnsupportedOperatorError({ op: error.op ?? 'unknown', target, bridge });
    }
    throw error;
  }
}
