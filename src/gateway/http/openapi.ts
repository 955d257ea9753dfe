/** The OpenAPI 3.1 document, made from the routes themselves so that it cannot lag behind them. */

import { AGGREGATE_OPTIONS } from './aggregate-schemas.ts';
import type { Access, Route, Schema } from './route.ts';
import { COMPONENTS, ref } from './schemas.ts';

const NEEDS: Record<Access, string> = {
  open: 'Open.',
  any: 'Any key.',
  read: 'Roles admin, operator, read-only.',
  catalog: 'Any role.',
  query: 'Roles admin, operator, query-only.',
  operate: 'Roles admin, operator.',
  admin: 'Role admin.',
};

export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'SemiLayer service API',
      version,
      description:
        'Runners, sources, and questions to them. /v1 only gains keys: ignore those you do not know.',
    },
    paths,
    components: {
      schemas: { ...COMPONENTS, AggregateOptions: AGGREGATE_OPTIONS },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key, sk_…' } },
    },
  };
}

function operation(route: Route): Record<string, unknown> {
  const problem = {
    description: 'What went wrong',
    content: { 'application/problem+json': { schema: ref('Problem') } },
  };
  return {
    operationId: operationId(route),
    summary: route.summary,
    description: NEEDS[route.access],
    security: route.access === 'open' ? [] : [{ key: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.body && Object.keys((route.body.properties as Schema) ?? {}).length > 0
      ? {
          requestBody: {
            required: ((route.body.required as string[] | undefined) ?? []).length > 0,
            content: { 'application/json': { schema: route.body } },
          },
        }
      : {}),
    responses: { [String(route.status ?? 200)]: success(route), default: problem },
  };
}

function success(route: Route): Record<string, unknown> {
  if (route.status === 204) return { description: 'Done' };
  const content = route.content ?? { 'application/json': route.answer ?? {} };
  return {
    description: 'Done',
    content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])),
  };
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'runner' || name === 'source' || name === 'key' ? 'ID or name' : undefined,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: Schema | undefined): unknown[] {
  const properties = (query?.properties ?? {}) as Record<string, Schema>;
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

/** `POST /v1/runners/:runner/rotate` is `postRunnersRunnerRotate`. */
function operationId(route: Route): string {
  const words = route.path.split(/[^A-Za-z0-9]+/).filter(word => word !== '' && word !== 'v1');
  const tail = words.map(word => word[0]?.toUpperCase() + word.slice(1)).join('');
  return route.method.toLowerCase() + (tail === '' ? 'Console' : tail);
}
