/** The fields that a filter speaks of. */
import type { Condition } from './where.ts';

/** The same filter over other fields, each given once for every place it stands. */
export function mapFields(condition: Condition, rename: (field: string) => string): Condition {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return { ...condition, of: condition.of.map(one => mapFields(one, rename)) };
    case 'not':
      return { ...condition, of: mapFields(condition.of, rename) };
    default:
      return { ...condition, field: rename(condition.field) };
  }
}
