/** A store that cannot answer, and requests that are two requests to whoever reads them otherwise. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { connectRunner, openGateway } from '../support/gateway.ts';
import { refusedUpgrade } from '../support/scripted-runner.ts';

test('the store down: 503 to the right token and to a wrong one, never 401, and the runner outlives it', async t => {
  const gateway = await openGateway(t);
  const { token } = await gateway.shop();
  let connections = 0;
  const runner = await connectRunner(t, {
    gatewayUrl: gateway.connectUrl,
    runnerId: 'edge',
    authToken: token,
    onEvent: event => {
      if (event.type === 'connected') connections++;
    },
  });
  const database = await openSqlite(join(gateway.dataDir, 'semilayer.db'), { readOnly: false });
  t.after(() => database.close());
  // As when a disk is lost under it: what it asks for is not there.
  database.exec('ALTER TABLE runners RENAME TO lost');
  for (const presented of [token, 'rk_wrong']) {
    const { status, headers } = await refusedUpgrade(gateway.connectUrl, {
      authorization: `Bearer ${presented}`,
    });
    assert.deepEqual([status, headers['retry-after']], [503, '1']);
  }
  const listed = await gateway.ask('GET', '/v1/runners');
  assert.deepEqual([listed.status, listed.json.code], [503, 'service_unavailable']);
  assert.ok(!listed.text.includes('no such table'), 'what the database says stays inside');
  database.exec('ALTER TABLE lost RENAME TO runners');
  assert.equal((await refusedUpgrade(gateway.connectUrl, { authorization: 'Bearer rk_wrong' })).status, 401);
  assert.equal((await gateway.ask('POST', '/v1/sources/shop/count', { target: 'orders' })).status, 200);
  assert.equal(runner.status.connected, true);
  assert.equal(connections, 1);
});

const HEAD = 'Connection: close\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n';
const BODY = '{"name":"smuggled"}';

/** Each of which a proxy in front could take for something else than we do. */
const AMBIGUOUS: Record<string, string> = {
  'two hosts': `Host: HOST\r\nHost: evil.example\r\nContent-Length: ${BODY.length}\r\n${HEAD}\r\n${BODY}`,
  'two lengths': `Host: HOST\r\nContent-Length: ${BODY.length}\r\nContent-Length: 5\r\n${HEAD}\r\n${BODY}`,
  'a length and chunks': `Host: HOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n${HEAD}\r\n13\r\n${BODY}\r\n0\r\n\r\n`,
  'chunks under another name': `Host: HOST\r\nTransfer-Encoding: xchunked\r\n${HEAD}\r\n13\r\n${BODY}\r\n0\r\n\r\n`,
  'a space before the colon': `Host: HOST\r\nContent-Length : ${BODY.length}\r\n${HEAD}\r\n${BODY}`,
  'a line feed alone': `Host: HOST\r\nX-One: 1\nX-Two: 2\r\nContent-Length: ${BODY.length}\r\n${HEAD}\r\n${BODY}`,
  'a carriage return alone': `Host: HOST\r\nX-One: 1\rX-Two: 2\r\nContent-Length: ${BODY.length}\r\n${HEAD}\r\n${BODY}`,
  'NUL in a value': `Host: HOST\r\nX-One: a\0b\r\nContent-Length: ${BODY.length}\r\n${HEAD}\r\n${BODY}`,
};

for (const [what, rest] of Object.entries(AMBIGUOUS)) {
  test(`CRLF and duplicate headers: ${what} is refused, and nothing is created`, async t => {
    const gateway = await openGateway(t);
    const { port } = gateway.gateway;
    const request = `POST /v1/runners HTTP/1.1\r\n${rest}`
      .replaceAll('HOST', `127.0.0.1:${port}`)
      .replace('KEY', gateway.key);
    const answer = await raw(port, request);
    assert.match(answer, /^HTTP\/1\.1 4(00|21) /);
    assert.deepEqual((await gateway.ask('GET', '/v1/runners')).json.items, []);
  });
}

test('CRLF in what is sent back: a request id is a word, or it is ours', async t => {
  const gateway = await openGateway(t);
  const { port } = gateway.gateway;
  for (const id of ['a b\tc', `x${'y'.repeat(5_000)}`, 'naïve', '"><script>']) {
    const answer = await raw(
      port,
      Buffer.from(
        `GET /v1/whoami HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nX-Request-Id: ${id}\r\n\r\n`,
        'latin1',
      ),
    );
    const [head = ''] = answer.split('\r\n\r\n', 1);
    const [, said = ''] = /^x-request-id: (.*)$/im.exec(head) ?? [];
    assert.match(said, /^[\w.:-]{1,128}$/, JSON.stringify(id));
  }
});

function raw(port: number, request: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.setEncoding('latin1').on('data', text => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
