/** Values of bridges that do not encode their own, in the forms that docs/bridges.md promises. */

/** Nested deeper than this a value does not fit a frame, whose own levels come on top (128 in all). */
const MAX_LEVELS = 100;

/**
 * A value that `JSON.stringify` carries without loss: big integers and non-finite numbers as text, instants as ISO
 * 8601 UTC, binary as base64.
 *
 * @throws Error for a value that holds itself, or nests deeper than a frame may.
 */
export function toJsonValue(value: unknown): unknown {
  return encode(value, new Set());
}

function encode(value: unknown, holders: Set<object>): unknown {
  switch (typeof value) {
    case 'bigint':
      return isSafe(value) ? Number(value) : value.toString();
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'string':
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : encodeObject(value, holders);
    default:
      return null;
  }
}

function encodeObject(value: object, holders: Set<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (holders.has(value)) throw new Error('a value in the row holds itself and cannot be sent as JSON');
  if (holders.size >= MAX_LEVELS)
    throw new Error(`a value in the row nests deeper than ${MAX_LEVELS} levels`);
  holders.add(value);
  const encoded = encodeContent(value, holders);
  holders.delete(value);
  return encoded;
}

function encodeContent(value: object, holders: Set<object>): unknown {
  if (Array.isArray(value)) return value.map(one => encode(one, holders));
  if (value instanceof Set) return [...value].map(one => encode(one, holders));
  const { toJSON } = value as { toJSON?: unknown };
  // Decimal and document-id types of drivers say themselves what they are in JSON.
  if (typeof toJSON === 'function') return encode(toJSON.call(value), holders);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const record: Record<string, unknown> = {};
  for (const [key, one] of entries) {
    if (one === undefined || typeof one === 'function') continue;
    // Defined, not assigned: a column may be called __proto__.
    Object.defineProperty(record, String(key), {
      value: encode(one, holders),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return record;
}

/** Whether a JavaScript number holds this integer, and its neighbours, exactly. */
export function isSafe(value: bigint): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}
