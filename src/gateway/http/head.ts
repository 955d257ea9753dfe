/** How every answer begins: with the same words, and in one write with what follows where that is all there is. */
import type { ServerResponse } from 'node:http';

export interface Answering {
  response: ServerResponse;
  requestId: string;
}

/** Status and headers of an answer. As a list: Node looks at each header once, where others are looked up and merged. */
export function writeHead(
  { response, requestId }: Answering,
  status: number,
  headers: Readonly<Record<string, string>>,
): ServerResponse {
  const list = [
    'x-request-id',
    requestId,
    'x-content-type-options',
    'nosniff',
    'referrer-policy',
    'no-referrer',
  ];
  for (const name in headers) list.push(name, headers[name] as string);
  return response.writeHead(status, list);
}

/** A whole answer in JSON. Its length is said: in chunks it would cost both ends more. */
export function writeJson(
  answering: Answering,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  writeHead(answering, status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
    'content-length': String(Buffer.byteLength(text)),
  }).end(text);
}
