/** `semilayer help exit-codes|environment|errors`. */
import { ERROR_CODES, exitStatusOf } from '../errors.ts';
import { ERRORS } from './error-catalogue.ts';

const EXIT_CODES = `Exit codes

  0    done (a completed drain too)
  1    unexpected failure
  2    wrong usage or configuration
  3    not found
  4    no credential (API key, or a runner ID without its token)
  5    conflict (a name, a busy port, a data directory in use)
  6    service, gateway or runner unreachable or full
  7    the source or the job failed
  77   refused (key or token wrong, rotated, revoked, forbidden): do not retry
  124  drain timed out
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)
`;

const ENVIRONMENT = `Environment

Runner (run, doctor)
  SEMILAYER_RUNNER_ID            ID or name of the runner
  SEMILAYER_RUNNER_TOKEN_FILE    file holding its token
  SEMILAYER_RUNNER_TOKEN         its token; setting both is an error
  SEMILAYER_GATEWAY_URL          gateway to dial; else the current context's,
                                 else the hosted one
  SEMILAYER_SOURCE_<NAME>_URL    credentials of a runner-local source, its name
                                 in capitals and everything else _; or …_CONFIG
                                 (JSON), or a file with either: …_URL_FILE,
                                 …_CONFIG_FILE
  SEMILAYER_HEALTH_PORT, PORT    serve /livez, /readyz, /health, /metrics
  SEMILAYER_HEALTH_HOST          where (127.0.0.1)
  SEMILAYER_POLICY_FILE          what it never lets out (semilayer.policy.json)
  SEMILAYER_LEDGER_DIR           record every job there
  SEMILAYER_LEDGER_FSYNC=1       each record on the disk before its job goes on
  SEMILAYER_LEDGER_ON_FAILURE    stop or continue, while none can be written

Service
  SEMILAYER_SERVICE_URL          service API to speak to
  SEMILAYER_API_KEY              its key
  SEMILAYER_CONTEXT              context to use

All commands
  SEMILAYER_CONFIG_DIR           where the config file is
  SEMILAYER_CA_FILE              further certificate authorities, PEM
  SEMILAYER_INSECURE=1           allow connections without TLS to other
                                 machines
  SEMILAYER_NO_UPDATE_CHECK=1    never ask whether there is a newer version
  HTTPS_PROXY, HTTP_PROXY        proxy for https and wss, http and ws
  NO_PROXY                       hosts reached without one: names, .names,
                                 addresses, CIDR blocks, each perhaps with a
                                 port, or *
  NODE_EXTRA_CA_CERTS            as Node has it
  NO_COLOR, FORCE_COLOR, CI      as their conventions say; --color and
                                 --no-color win

Precedence: flag, environment, .semilayerrc of the project (names a context),
user config, default. semilayer config explain prints every effective value and
where it came from.
`;

const TOPICS = new Map<string, () => string>([
  ['exit-codes', () => EXIT_CODES],
  ['environment', () => ENVIRONMENT],
  ['errors', errorsText],
]);

const HELP_WIDTH = 79;

function errorsText(): string {
  const width = Math.max(...ERROR_CODES.map(code => code.length));
  const lines = ERROR_CODES.map(code => {
    const term = `  ${code.padEnd(width)}  ${String(exitStatusOf(code)).padStart(3)}  `;
    const indent = ' '.repeat(term.length);
    return term + wrapWords(ERRORS[code].meaning, HELP_WIDTH - term.length).join(`\n${indent}`);
  });
  return `Error codes, as --json says them, with their exit status\n\n${lines.join('\n')}\n`;
}

function wrapWords(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export const HELP_TOPICS: readonly string[] = [...TOPICS.keys()];

/** The text of a topic, or undefined for what is none. */
export function helpTopic(name: string): string | undefined {
  return TOPICS.get(name)?.();
}
