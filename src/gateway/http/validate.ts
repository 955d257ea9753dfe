/** Bodies and query strings against their schemas, with errors that name the place. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { AppError } from '../../errors.ts';
import type { Schema } from './route.ts';

export class Validator {
  readonly #bodies: Ajv;
  readonly #queries: Ajv;
  readonly #compiled = new WeakMap<Schema, ValidateFunction>();

  constructor(components: Record<string, Schema>) {
    const options = { allErrors: false, strict: false, ownProperties: true, useDefaults: true };
    this.#bodies = new Ajv(options);
    // Everything in a query string is text: numbers are taken out of it where the schema wants them.
    this.#queries = new Ajv({ ...options, coerceTypes: true });
    for (const [name, schema] of Object.entries(components)) {
      this.#bodies.addSchema(schema, `#/components/schemas/${name}`);
    }
  }

  /** @throws AppError `invalid_request`. */
  body(schema: Schema, value: unknown): Record<string, unknown> {
    return this.#check(this.#bodies, schema, value, 'the body');
  }

  /** @throws AppError `invalid_request`. */
  query(schema: Schema, value: unknown): Record<string, unknown> {
    return this.#check(this.#queries, schema, value, 'the query string');
  }

  #check(ajv: Ajv, schema: Schema, value: unknown, whole: string): Record<string, unknown> {
    let validate = this.#compiled.get(schema);
    if (!validate) {
      validate = ajv.compile(schema);
      this.#compiled.set(schema, validate);
    }
    if (validate(value)) return value as Record<string, unknown>;
    throw new AppError('invalid_request', { message: describe(validate.errors?.[0], whole) });
  }
}

/** Never the value: it may be a credential. */
function describe(error: ErrorObject | undefined, whole: string): string {
  if (!error) return `${whole} is not as documented`;
  const place = error.instancePath === '' ? whole : error.instancePath.slice(1).replaceAll('/', '.');
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    return `${place} has the unknown key ${JSON.stringify(String(params.additionalProperty).slice(0, 80))}`;
  }
  if (error.keyword === 'required') return `${place} lacks the key ${JSON.stringify(params.missingProperty)}`;
  if (error.keyword === 'enum')
    return `${place} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return `${place} ${error.message ?? 'is not as documented'}`;
}
