/** Commands that start something and keep it running. */
import type { DevFlags } from '../../commands/dev.ts';
import type { DoctorFlags } from '../../commands/doctor/settings.ts';
import type { GatewayFlags } from '../../commands/gateway.ts';
import type { LedgerFlags } from '../../commands/ledger.ts';
import type { ReadyFlags } from '../../commands/ready.ts';
import type { RunFlags } from '../../commands/run-settings.ts';
import type { CommandSpec, OptionSpec } from '../command.ts';

const HEALTH_PORT: OptionSpec = {
  flags: '--health-port <port>',
  description: 'port of /livez, /readyz, /health and /metrics (SEMILAYER_HEALTH_PORT, PORT)',
};
const LEDGER: OptionSpec = {
  flags: '--ledger <dir>',
  description: 'directory of the ledger (SEMILAYER_LEDGER_DIR)',
};
const ROLE: OptionSpec = {
  flags: '--role <role>',
  description: 'what the key may do',
  choices: ['admin', 'operator', 'read-only', 'query-only'],
  required: true,
};
const loadKeys = () => import('../../commands/gateway-keys.ts');

export const PROCESS_COMMANDS: readonly CommandSpec[] = [
  {
    usage: 'run',
    unattended: true,
    summary: 'Run a runner in the foreground',
    options: [
      { flags: '--id <runner>', description: 'ID or name of the runner (SEMILAYER_RUNNER_ID)' },
      { flags: '--gateway-url <url>', description: 'gateway to dial (SEMILAYER_GATEWAY_URL)' },
      { flags: '--env-file <path>', description: 'read variables from this file' },
      { flags: '--token-file <path>', description: 'read the token from this file, or from stdin with -' },
      {
        flags: '--token-wait <duration>',
        description: 'wait for another token in the file after a refusal (10s)',
      },
      { flags: '--concurrency <n>', description: 'jobs at once' },
      { flags: '--grace-period <duration>', description: 'longest a drain may take (25s)' },
      HEALTH_PORT,
      { flags: '--log-format <format>', description: 'pretty or json', choices: ['pretty', 'json'] },
      {
        flags: '--log-level <level>',
        description: 'least that is logged (info); SIGUSR2 turns debug on and off',
        choices: ['error', 'warn', 'info', 'debug'],
      },
      { flags: '--ledger <dir>', description: 'record every job in this directory (SEMILAYER_LEDGER_DIR)' },
      { flags: '--ledger-fsync', description: 'have each record on the disk before its job goes on' },
      {
        flags: '--ledger-on-failure <what>',
        description: 'whether jobs stop or continue while the ledger cannot be written (stop)',
        choices: ['stop', 'continue'],
      },
      {
        flags: '--emit <kind>',
        description: 'print a manifest for this runner, without its token, and exit',
        choices: ['docker', 'compose', 'kubernetes', 'systemd'],
      },
      { flags: '--policy <file>', description: 'what jobs may see (SEMILAYER_POLICY_FILE)' },
    ],
    examples: ['run --env-file .env', 'run --id edge-1 --token-file /run/secrets/token --log-format json'],
    run: async (_args, flags, ctx) => {
      if (typeof flags.emit !== 'string')
        return await (await import('../../commands/run.ts')).runCommand(flags as RunFlags, ctx);
      return await (await import('../../commands/emit/emit.ts')).emitManifest(
        flags.emit,
        flags as RunFlags,
        ctx,
      );
    },
  },
  {
    usage: 'ready',
    unattended: true,
    summary: 'Ask a runner on this machine whether it is ready; exit 0 or 1',
    options: [HEALTH_PORT],
    examples: ['ready --health-port 8080'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/ready.ts')).readyCommand(flags as ReadyFlags, ctx),
  },
  {
    usage: 'doctor',
    summary: 'Check everything between this machine and the gateway, and say what to do',
    options: [
      { flags: '--id <runner>', description: 'ID or name of the runner (SEMILAYER_RUNNER_ID)' },
      { flags: '--gateway-url <url>', description: 'gateway to ask (SEMILAYER_GATEWAY_URL)' },
      { flags: '--env-file <path>', description: 'read variables from this file, as run does' },
      { flags: '--token-file <path>', description: 'read the token from this file' },
      { flags: '--idle <duration>', description: 'also hold a silent connection that long, to see it cut' },
    ],
    examples: ['doctor', 'doctor --env-file .env --idle 90s', 'doctor --json'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/doctor.ts')).doctorCommand(flags as DoctorFlags, ctx),
  },
  {
    usage: 'ledger show',
    summary: 'Show the jobs that a runner recorded, the last ones',
    options: [LEDGER, { flags: '--limit <n>', description: 'how many (100)' }],
    examples: ['ledger show --ledger /var/lib/semilayer/ledger', 'ledger show --json | jq'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/ledger.ts')).showLedger(flags as LedgerFlags, ctx),
  },
  {
    usage: 'ledger verify',
    summary: 'Prove that no line of a ledger was changed, removed or reordered',
    options: [
      LEDGER,
      { flags: '--holds <line:hash>', description: 'a line that it must hold, kept elsewhere' },
    ],
    examples: ['ledger verify --ledger /var/lib/semilayer/ledger'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/ledger.ts')).verifyLedgerCommand(flags as LedgerFlags, ctx),
  },
  {
    usage: 'gateway',
    unattended: true,
    summary: 'Run service API, gateway and Console in one process',
    options: [
      { flags: '--port <port>', description: 'port to listen on, 0 for a free one (4400)' },
      { flags: '--host <host>', description: 'address to listen on (127.0.0.1)' },
      { flags: '--public-url <url>', description: 'the address that clients use' },
      { flags: '--allowed-host <host>', description: 'a further host name to answer to', repeatable: true },
      { flags: '--data-dir <dir>', description: 'where records are kept (./semilayer-data)' },
      { flags: '--tls-cert <file>', description: 'certificate chain, PEM' },
      { flags: '--tls-key <file>', description: 'its private key, PEM' },
      {
        flags: '--trusted-proxy <cidr>',
        description: 'proxies whose X-Forwarded headers count',
        repeatable: true,
      },
      { flags: '--metrics-open', description: 'serve /metrics without a key' },
    ],
    examples: ['gateway', 'gateway --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/gateway.ts')).gatewayCommand(flags as GatewayFlags, ctx),
  },
  {
    usage: 'gateway keys create <name>',
    summary: 'Make an API key in the directory of a stopped gateway',
    options: [ROLE],
    examples: ['gateway keys create rescue --role admin'],
    run: async ([name], flags, ctx) => await (await loadKeys()).createGatewayKey(name as string, flags, ctx),
  },
  {
    usage: 'gateway keys list',
    summary: 'List the API keys of a stopped gateway',
    examples: ['gateway keys list'],
    run: async (_args, flags, ctx) => await (await loadKeys()).listGatewayKeys(flags, ctx),
  },
  {
    usage: 'gateway keys revoke <key>',
    summary: 'Revoke an API key of a stopped gateway',
    options: [{ flags: '-y, --yes', description: 'do not ask' }],
    examples: ['gateway keys revoke ci'],
    run: async ([key], flags, ctx) => await (await loadKeys()).revokeGatewayKey(key as string, flags, ctx),
  },
  {
    usage: 'gateway backup <file>',
    summary: "Write a consistent copy of a stopped gateway's store",
    examples: ['gateway backup semilayer-backup.db'],
    run: async ([file], flags, ctx) => await (await loadKeys()).backupGateway(file as string, flags, ctx),
  },
  {
    usage: 'dev',
    unattended: true,
    summary: 'Run a gateway, a sample source and a runner, to try things out',
    options: [
      { flags: '--port <port>', description: 'port to listen on, 0 for a free one (4400)' },
      { flags: '--data-dir <dir>', description: 'keep the data here (a temporary directory)' },
    ],
    examples: ['dev', 'dev --port 0 --data-dir ./dev-data'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/dev.ts')).devCommand(flags as DevFlags, ctx),
  },
  {
    usage: 'demo',
    unattended: true,
    summary: 'Play the whole loop with real parts in a temporary directory',
    examples: ['demo'],
    run: async (_args, flags, ctx) => await (await import('../../commands/demo.ts')).demoCommand(flags, ctx),
  },
];
