/** Bodies and query strings against their schemas, with errors that name the place. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { AppError } from '../../errors.ts';
import type { Schema } from './route.ts';

export class Validator {
  readonly #bodies: Ajv;
  readonly #queries: Ajv;
  readonly #compiled = new WeakMap<Schema, ValidateFunction>();

  constructor(components: Record<string, Schema>) {
    const options = {
      allErrors: false,
      strict: false,
      ownProperties: true,
      useDefaults: true,
      verbose: true,
    };
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
    throw new AppError('invalid_request', { message: describe(validate.errors ?? [], whole) });
  }
}

/** Never the value: it may be a credential. */
function describe(errors: readonly ErrorObject[], whole: string): string {
  // Of alternatives the last error is about all of them together.
  const error = errors[errors.length - 1];
  if (!error) return `${whole} is not as documented`;
  const place = error.instancePath === '' ? whole : error.instancePath.slice(1).replaceAll('/', '.');
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties':
      return `${place} has the unknown key ${JSON.stringify(String(params.additionalProperty).slice(0, 80))}`;
    case 'required':
      return `${place} lacks the key ${JSON.stringify(params.missingProperty)}`;
    case 'enum':
      return `${place} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
    case 'not':
      return `${place} is no filter here`;
    case 'anyOf':
      return `${place} must be ${(error.schema as Schema[]).map(formOf).join(', or ')}`;
    case 'type':
      return `${place} must be ${formOf({ type: params.type })}`;
    case 'minLength':
      return params.limit === 1
        ? `${place} must not be empty`
        : `${place} must have at least ${params.limit} characters`;
    case 'maxLength':
      return `${place} must have at most ${params.limit} characters`;
    case 'maxItems':
      return `${place} must have at most ${params.limit} items`;
    case 'minimum':
      return `${place} must be ${params.limit} or more`;
    case 'maximum':
      return `${place} must be ${params.limit} or less`;
    case 'pattern':
      return `${place} does not have the form that is documented`;
    default:
      return `${place} is not as documented`;
  }
}

/** What a schema takes, in words. */
function formOf(schema: Schema): string {
  if ('const' in schema) return JSON.stringify(schema.const);
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.map(type => TYPE_NAMES[String(type)] ?? String(type)).join(' or ');
}

const TYPE_NAMES: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};
