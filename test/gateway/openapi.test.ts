/** The OpenAPI document against the routes and against real answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { apiRoutes } from '../../src/gateway/http/api.ts';
import { connectRunner, openGateway } from '../support/gateway.ts';

interface Operation {
  security: unknown[];
  parameters: { name: string; in: string }[];
  requestBody?: unknown;
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

test('every route is documented once, and nothing else is', async t => {
  const { ask } = await openGateway(t);
  const document = (await ask('GET', '/openapi.json', undefined, { authorization: '' }))
    .json as unknown as Document;
  assert.equal(document.openapi, '3.1.0');
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`),
  );
  const routes = apiRoutes('x', false).map(
    route => `${route.method} ${route.path.replace(/:(\w+)/g, '{$1}')}`,
  );
  assert.deepEqual(documented.sort(), routes.sort());
  assert.equal(new Set(routes).size, routes.length);
});

test('an operation without security is answered without a key, one with it is not', async t => {
  const { ask } = await openGateway(t);
  const document = (await ask('GET', '/openapi.json')).json as unknown as Document;
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (path === '/v1/session') continue;
      const concrete = path.replace(/\{\w+\}/g, 'none');
      const body = operation.requestBody ? {} : undefined;
      const { status } = await ask(method.toUpperCase(), concrete, body, { authorization: '' });
      assert.equal(status === 401, operation.security.length > 0, `${method} ${path}: ${status}`);
    }
  }
});

test('answers are as their schemas say', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  await connectRunner(t, { gatewayUrl: connectUrl, runnerId, authToken: token });
  const document = (await ask('GET', '/openapi.json')).json as unknown as Document;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', components: document.components });
  const check = async (method: string, path: string, template: string, body?: unknown) => {
    const answer = await ask(method, path, body);
    const operation = document.paths[template]?.[method.toLowerCase()];
    const content =
      (operation?.responses[String(answer.status)] ?? operation?.responses.default)?.content ?? {};
    const schema = Object.values(content)[0]?.schema;
    assert.ok(schema, `${method} ${template} ${answer.status}`);
    const rooted = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'));
    assert.ok(
      ajv.validate(rooted, answer.json),
      `${method} ${path}: ${ajv.errorsText()} ${answer.text.slice(0, 200)}`,
    );
  };
  await check('GET', '/v1/whoami', '/v1/whoami');
  await check('GET', '/v1/runners', '/v1/runners');
  await check('GET', '/v1/runners/edge', '/v1/runners/{runner}');
  await check('GET', '/v1/runners/none', '/v1/runners/{runner}');
  await check('POST', '/v1/runners', '/v1/runners', { name: 'second' });
  await check('GET', '/v1/sources', '/v1/sources');
  await check('GET', '/v1/bridges', '/v1/bridges');
  await check('POST', '/v1/sources/shop/test', '/v1/sources/{source}/test');
  await check('GET', '/v1/sources/shop/targets', '/v1/sources/{source}/targets');
  await check('GET', '/v1/sources/shop/targets/orders', '/v1/sources/{source}/targets/{target}');
  await check('POST', '/v1/sources/shop/query', '/v1/sources/{source}/query', { target: 'orders', limit: 2 });
  await check('POST', '/v1/sources/shop/read', '/v1/sources/{source}/read', { target: 'orders', limit: 2 });
  await check('POST', '/v1/sources/shop/count', '/v1/sources/{source}/count', { target: 'orders' });
  await check('POST', '/v1/sources/shop/aggregate', '/v1/sources/{source}/aggregate', {
    target: 'orders',
    dimensions: [{ field: 'status' }],
    measures: { revenue: { agg: 'sum', column: 'total' } },
  });
  await check('GET', '/v1/jobs', '/v1/jobs');
  await check('GET', '/v1/audit', '/v1/audit');
  await check('POST', '/v1/keys', '/v1/keys', { name: 'ci', role: 'operator' });
  await check('GET', '/v1/keys', '/v1/keys');
  await check('POST', '/v1/session/links', '/v1/session/links');
});
