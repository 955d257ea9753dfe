/** Faults that somebody means. */
import type { Fault } from './fault.ts';

const file = 'test/faults/security.test.ts';
const ENDPOINT = 'src/gateway/runner-endpoint.ts';
const GREETING = 'src/gateway/greeting.ts';
const SESSIONS = 'test/gateway/sessions.test.ts';

export const security: Fault[] = [
  {
    fault: 'wrong or deleted token',
    promise: 'the same 401 whether or not the runner exists',
    test: {
      file: SESSIONS,
      name: 'the same 401 is given to a wrong token, none at all, and one of a runner that was deleted',
    },
    mutation: {
      says: 'no token has an answer of its own',
      edits: [
        {
          file: ENDPOINT,
          from: 'const waitSeconds = this.#attempts.failed(',
          to: 'if (!request.headers.authorization) return refuse(socket, 404, {});\n      const waitSeconds = this.#attempts.failed(',
        },
      ],
    },
  },
  {
    fault: 'expired token',
    promise: 'an overlap ends to the millisecond, and its sessions with it',
    test: {
      file: SESSIONS,
      name: 'an overlap keeps the old token for its time, then ends its sessions; a further rotation ends the oldest',
    },
    mutation: {
      says: 'the end of an overlap is not looked at',
      edits: [
        {
          file: 'src/store/sqlite-runners.ts',
          from: 'previous_hash = ? AND previous_expires_at > ?',
          to: 'previous_hash = ? AND ? > 0',
        },
      ],
    },
  },
  {
    fault: 'rotated, revoked or deleted while connected',
    promise: 'closed with 4401 at once, and not one row more',
    test: {
      file: SESSIONS,
      name: 'rotation closes the session with 4401, fails its job, and not one row more is forwarded',
    },
    mutation: {
      says: 'sessions outlive their token',
      edits: [
        {
          file: 'src/gateway/session-directory.ts',
          from: '!validHashes.includes(tokenHash)',
          to: '!validHashes',
        },
      ],
    },
  },
  {
    fault: 'revoked with many sessions in the middle of their answers',
    promise: 'each is closed with 4401, no row after, and what had not begun is with another runner at once',
    test: {
      file: 'test/gateway/sessions.test.ts',
      name: 'revoking a runner of several sessions ends each answer where it is, and moves what has not begun once',
    },
    mutation: {
      says: 'the runner is told, and its rows still count',
      edits: [
        {
          file: 'src/gateway/session-directory.ts',
          from: 'session.lost(REFUSED);',
          to: '',
        },
      ],
    },
  },
  {
    fault: 'the store down',
    promise: '503 with `Retry-After`, never 401, so that no runner gives up',
    test: {
      file,
      name: 'the store down: 503 to the right token and to a wrong one, never 401, and the runner outlives it',
    },
    mutation: {
      says: 'a store that fails has not found the token',
      edits: [
        {
          file: ENDPOINT,
          from: "} catch {\n      return this.#refuse(socket, 503, { 'retry-after': '1' });",
          to: "} catch {\n      return this.#refuse(socket, 401, { 'retry-after': '1' });",
        },
      ],
    },
  },
  {
    fault: 'token A with id B',
    promise: '4403',
    test: { file: SESSIONS, name: 'a token of another runner closes with 4403' },
    mutation: {
      says: 'the id is believed',
      edits: [{ file: GREETING, from: 'if (!named) {', to: 'if (hello.runnerId === "") {' }],
    },
  },
  {
    fault: 'brute force',
    promise:
      '429 after a hundred failures of one address in a minute; the right token is let in all the same',
    test: {
      file: 'test/gateway/attempt-limit.test.ts',
      name: 'guessing ends in 429 with Retry-After, and the right token still connects',
    },
    mutation: {
      says: 'guessing has no end',
      edits: [
        {
          file: 'src/gateway/attempt-limit.ts',
          from: 'const MAX_FAILURES = 100;',
          to: 'const MAX_FAILURES = 1e9;',
        },
      ],
    },
  },
  {
    fault: 'brute force that locks out the right token',
    promise: 'only failed authentications count, and only against themselves',
    test: {
      file: 'test/gateway/attempt-limit.test.ts',
      name: 'guessing ends in 429 with Retry-After, and the right token still connects',
    },
    mutation: {
      says: 'every attempt counts',
      edits: [
        {
          file: ENDPOINT,
          from: 'const admitted = admission;',
          to: 'const admitted = admission; if (this.#attempts.failed(this.#options.remoteAddressOf(request)) !== undefined) return refuse(socket, 429, {});',
        },
      ],
    },
  },
  {
    fault: 'token in argv, URL, logs, errors, reports',
    promise: 'in none of them, even where the service quotes it',
    test: {
      file: 'test/e2e/canary.test.ts',
      name: 'no secret gets out while the service quotes them in its errors',
    },
    mutation: {
      says: 'messages are said as they are',
      built: true,
      edits: [
        {
          file: 'src/output/redact.ts',
          from: 'return RULES.reduce((safe, [pattern, instead]) => safe.replace(pattern, instead), text);',
          to: 'return text;',
        },
      ],
    },
  },
  {
    fault: 'a token in the query string',
    promise: 'opens nothing',
    test: { file: SESSIONS, name: 'a token in the query string opens nothing' },
    mutation: {
      says: 'the query string is looked at, too',
      edits: [
        {
          file: ENDPOINT,
          from: "exec(request.headers.authorization ?? '')?.[1] ?? '';",
          to: "exec(request.headers.authorization ?? 'Bearer '.concat(request.url?.split('token=')[1] ?? ''))?.[1] ?? '';",
        },
      ],
    },
  },
  {
    fault: 'a browser page that calls us: foreign Origin, wrong Host, rebinding, `127.evil.com`',
    promise: '421 for a Host that is not ours, 403 for a foreign Origin, with or without a key',
    test: {
      file: 'test/gateway/service-api.test.ts',
      name: 'a foreign Host is 421 and a foreign Origin 403, with or without a key',
    },
    mutation: {
      says: 'any Host is ours',
      edits: [
        {
          file: 'src/gateway/http/guard.ts',
          from: 'if (!hostIsOurs(host, this.#options)) return false;',
          to: '',
        },
      ],
    },
  },
  {
    fault: 'CRLF and duplicate headers',
    promise: '400; a request that could be read as another is not answered',
    test: { file, name: 'CRLF and duplicate headers: two hosts is refused, and nothing is created' },
    mutation: {
      says: 'the first of two Hosts counts',
      edits: [
        {
          file: 'src/gateway/http/guard.ts',
          from: "if (countOf(request, 'host') > 1) {",
          to: "if (countOf(request, 'host') > 9) {",
        },
      ],
    },
  },
  {
    fault: 'ANSI, OSC 8, OSC 52 and right-to-left text in names and rows',
    promise: 'nothing from outside moves a cursor, sets a clipboard or turns a line round',
    test: {
      file: 'test/output/escaping.test.ts',
      name: 'text from outside reaches a terminal without a control character or a direction override',
    },
    mutation: {
      says: 'control characters of the second kind pass',
      edits: [{ file: 'src/output/sanitise.ts', from: '\\u007f-\\u009f\\u061c', to: '\\u061c' }],
    },
  },
];
