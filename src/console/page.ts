/** The Console: one page, no build step, no library; it speaks the public API with the session its link opened. */
import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; flex-wrap: wrap; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; opacity: .7; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); vertical-align: top; }
code { font: .9em ui-monospace, monospace; }
.online::before { content: "● "; color: #16803c; } .draining::before { content: "● "; color: #b26a00; }
.offline::before, .never::before { content: "○ "; } .revoked::before { content: "✗ "; color: #c02020; }
#notice { padding: .75rem 1rem; border: 1px solid; border-radius: .5rem; margin-top: 1.5rem; }
[hidden] { display: none; }
@media (max-width: 40rem) { table { display: block; overflow-x: auto; } }
`;

const SCRIPT = `
'use strict';
const element = id => document.getElementById(id);
let token = sessionStorage.getItem('semilayer-session');

function say(text) { element('notice').textContent = text; element('notice').hidden = text === ''; }

async function ask(path, init = {}) {
  const response = await fetch(path, { ...init, headers: { ...init.headers, authorization: 'Bearer ' + token } });
  if (response.status === 401) { sessionStorage.removeItem('semilayer-session'); token = null; }
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail || 'HTTP ' + response.status);
  return response;
}

// Every value goes in as text, so that no name can become markup.
function fill(id, rows) {
  const body = element(id).tBodies[0];
  body.replaceChildren(...rows.map(cells => {
    const row = document.createElement('tr');
    for (const { text, code, status } of cells) {
      const cell = document.createElement('td');
      const inner = document.createElement(code ? 'code' : 'span');
      inner.textContent = text;
      if (status) inner.className = status.split(' ')[0];
      cell.append(inner);
      row.append(cell);
    }
    return row;
  }));
  element(id).hidden = rows.length === 0;
  element(id + '-none').hidden = rows.length > 0;
}

const time = text => text === null ? '' : new Date(text).toLocaleString();

async function show() {
  const [runners, sources] = await Promise.all(['/v1/runners?limit=1000', '/v1/sources?limit=1000']
    .map(path => ask(path).then(response => response.json())));
  fill('runners', runners.items.map(one => [
    { text: one.name }, { text: one.status, status: one.status }, { text: one.sources.join(', ') },
    { text: String(one.sessions.length) }, { text: one.version || '' }, { text: one.fingerprint || '', code: true },
    { text: time(one.lastSeenAt) }]));
  fill('sources', sources.items.map(one => [
    { text: one.name }, { text: one.bridge, code: true }, { text: one.credentialsLocation }, { text: one.runners.join(', ') }]));
}

let due;
function soon() { due ??= setTimeout(() => { due = undefined; show().catch(error => say(error.message)); }, 100); }

async function follow() {
  for (;;) {
    try {
      const stream = (await ask('/v1/events')).body.pipeThrough(new TextDecoderStream()).getReader();
      await show();
      say('');
      for (let step = await stream.read(); !step.done; step = await stream.read()) {
        if (/^event: (runner|source)\\./m.test(step.value)) soon();
      }
    } catch (error) {
      if (token === null) return say('This session has ended. Make a new link: semilayer console');
      say('The gateway does not answer; trying again. ' + error.message);
    }
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
}

async function begin() {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) {
    history.replaceState(null, '', location.pathname);
    const response = await fetch('/v1/session', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) });
    const answer = await response.json();
    if (!response.ok) return say(answer.detail + '. Make a new link: semilayer console');
    token = answer.token;
    sessionStorage.setItem('semilayer-session', token);
  }
  if (token === null) return say('Open this page with a link: semilayer console');
  const me = await ask('/v1/whoami').then(response => response.json());
  element('me').textContent = me.name + ' (' + me.role + ')';
  await follow();
}

begin().catch(error => say(error.message));
`;

/** Nothing but this page's own style and script runs on it, and nothing may frame it. */
export const CONSOLE_CSP = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const CONSOLE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SemiLayer Console</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header><h1>SemiLayer Console</h1><span id="me"></span></header>
<div id="notice" role="status" hidden></div>
<main>
<h2>Runners</h2>
<p id="runners-none" hidden>None yet: <code>semilayer runners create &lt;name&gt;</code></p>
<table id="runners" hidden><thead><tr><th>Name</th><th>Status</th><th>Sources</th><th>Sessions</th><th>Version</th><th>Token</th><th>Last seen</th></tr></thead><tbody></tbody></table>
<h2>Sources</h2>
<p id="sources-none" hidden>None yet: <code>semilayer sources add &lt;name&gt; --bridge …</code></p>
<table id="sources" hidden><thead><tr><th>Name</th><th>Bridge</th><th>Credentials</th><th>Runners</th></tr></thead><tbody></tbody></table>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
