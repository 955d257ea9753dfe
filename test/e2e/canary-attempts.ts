/** What the canaries are tried on: secrets, and every command with them in its inputs, as it should be and as it should not. */
import { formatSecret } from '../../src/protocol/token.ts';

export const API_KEY = formatSecret('sk_', Buffer.from('canary of the API key, 32 bytes.'));
export const TOKEN = formatSecret('rk_', Buffer.from('canary of the runner token, 32b.'));
export const PASSWORD = 'Canary/Pass?word';
export const DATABASE_URL = `postgresql://reader:${encodeURIComponent(PASSWORD)}@127.0.0.1:9/shop`;
export const SECRETS = [API_KEY, TOKEN, PASSWORD, encodeURIComponent(PASSWORD)];

export const RUNNER = {
  id: '11111111-2222-4333-8444-555555555555',
  name: 'edge',
  type: 'customer',
  status: 'online',
  sources: [],
  sessions: [],
};

export const FORMS = [[], ['--json'], ['--debug']];

export interface Attempt {
  args: string[];
  stdin?: string;
  /** Secrets that this command is asked to print. */
  prints?: string[];
}

export const ATTEMPTS: Attempt[] = [
  ...[
    'whoami',
    'runners list',
    'runners show edge',
    'runners revoke edge --yes',
    'runners delete edge --yes',
  ].map(of),
  ...['runners assign edge shop', 'runners unassign edge shop', 'sources list', 'sources show shop'].map(of),
  ...['sources test shop', 'sources targets shop', 'sources remove shop', 'keys list', 'keys revoke ci'].map(
    of,
  ),
  ...['query shop orders', 'query shop orders --csv', 'count shop orders', 'console', 'context list'].map(of),
  ...[
    'config explain',
    'config paths',
    'logout',
    'doctor',
    'run',
    'ready --health-port 9',
    'gateway --host 0.0.0.0',
  ].map(of),
  ...[
    'runners list --limit nothing',
    'runners create hosted --type king',
    'runners rotate edge --overlap soon --yes',
    'sources targets shop orders',
    'sources update shop --name vault',
    'sources add shop --bridge nothing --runner-local',
    'query shop orders --ndjson',
    'query shop orders --where {',
    'context show',
    'context use nowhere',
    'context remove nowhere --yes',
    'completion bash',
    'help environment',
    'run --emit compose',
    'ledger show',
    'ledger verify',
    'gateway keys list --data-dir nowhere',
    'gateway keys create ci --role admin --data-dir nowhere',
    'gateway keys revoke ci --data-dir nowhere',
    'gateway backup copy --data-dir nowhere',
    'gateway --data-dir secrets/token --port 0',
    'dev --port 1 --data-dir secrets/token',
    'demo --nothing',
    'login --api-key-stdin --service-url http://[bad',
    'whoami --service-url http://127.0.0.1:9',
    'whoami --service-url https://nowhere.invalid --no-input',
    'whoami --ca-file secrets/token',
    'whoami --context nowhere',
  ].map(of),
  { args: ['runners', 'create', 'edge'], prints: [TOKEN] },
  { args: ['runners', 'create', 'edge', '--env-file', 'edge.env'] },
  { args: ['runners', 'rotate', 'edge', '--yes', '--json'], prints: [TOKEN] },
  { args: ['keys', 'create', 'ci', '--role', 'admin'], prints: [API_KEY] },
  { args: ['login', '--service-url', 'SERVICE', '--api-key-stdin'], stdin: API_KEY },
  { args: ['sources', 'add', 'shop', '--bridge', 'postgres', '--url-stdin'], stdin: DATABASE_URL },
  { args: ['sources', 'update', 'shop', '--url-stdin'], stdin: DATABASE_URL },
  { args: ['run', '--id', 'edge', '--token-file', '-', '--gateway-url', 'http://[bad'], stdin: TOKEN },
  { args: ['run', '--gateway-url', 'wss://gateway.invalid', '--token-wait', 'soon'] },
];

function of(line: string): Attempt {
  return { args: line.split(' ') };
}
