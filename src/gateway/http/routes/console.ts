/** The Console: its page and what the page loads, with everything else forbidden to it. */
import { type ConsoleFile, consoleAsset, consolePage } from '../console-files.ts';
import { writeHead } from '../head.ts';
import { ANSWERED, type Call, type Route } from '../route.ts';

/** Its own script and style, its own service, no frame around it, and no text that becomes markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  // Asked for again each time, so that an upgraded gateway shows its own page.
  'cache-control': 'no-cache',
};

export const consoleRoutes: Route[] = [
  {
    method: 'GET',
    path: '/',
    access: 'open',
    summary: 'The Console',
    content: { 'text/html': { type: 'string' } },
    handle: async call => send(call, await consolePage(), PAGE_HEADERS),
  },
  {
    method: 'GET',
    path: '/assets/:file',
    access: 'open',
    summary: 'Script, style and icon of the Console, named by their content',
    content: { '*/*': { type: 'string' } },
    handle: async call =>
      send(call, await consoleAsset(call.params.file as string), {
        'cache-control': 'public, max-age=31536000, immutable',
      }),
  },
];

function send(call: Call, file: ConsoleFile, headers: Record<string, string>): typeof ANSWERED {
  const all = {
    ...headers,
    'content-type': file.type,
    'cross-origin-resource-policy': 'same-origin',
    vary: 'accept-encoding',
    etag: file.etag,
  };
  const known = (call.request.headers['if-none-match'] ?? '')
    .split(',')
    .map(tag => tag.trim().replace(/^W\//, ''));
  if (known.includes(file.etag)) writeHead(call, 304, all).end();
  else if (/\bgzip\b/.test(String(call.request.headers['accept-encoding'] ?? ''))) {
    end(call, { ...all, 'content-encoding': 'gzip' }, file.gzipped);
  } else end(call, all, file.body);
  return ANSWERED;
}

function end(call: Call, headers: Record<string, string>, body: Buffer): void {
  writeHead(call, 200, { ...headers, 'content-length': String(body.length) }).end(body);
}
