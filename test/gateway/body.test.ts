import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { readJsonBody } from '../../src/gateway/http/body.ts';

test('a filter for an integer beyond 2^53 asks for that one, not for the number next to it', async () => {
  const body = '{"target":"t","where":{"id":9007199254740993,"n":{"$lt":1.5}},"limit":5}';
  assert.deepEqual(await readJsonBody(requestOf(body)), {
    target: 't',
    where: { id: '9007199254740993', n: { $lt: 1.5 } },
    limit: 5,
  });
});

function requestOf(body: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers['content-type'] = 'application/json';
  request.push(body);
  request.push(null);
  return request;
}
