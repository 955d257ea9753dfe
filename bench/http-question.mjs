/** One question over HTTP after another, on one connection: what a caller of the service API does. */
import { Agent, request } from 'node:http';

/** @returns a function that asks once and resolves with the answer's text. */
export function asker({ url, headers, connections = 1 }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port, pathname } = new URL(url);
  const ask = body =>
    new Promise((resolve, reject) => {
      const asked = request(
        {
          agent,
          hostname,
          port,
          path: pathname,
          method: 'POST',
          headers: {
            ...headers,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        response => {
          let text = '';
          response.setEncoding('utf8').on('data', chunk => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  return { ask, close: () => agent.destroy() };
}
