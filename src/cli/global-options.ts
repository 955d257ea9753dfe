/** Options that every command takes. */
import type { OptionSpec } from './command.ts';

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--context <name>', description: 'context to use (SEMILAYER_CONTEXT)' },
  { flags: '--service-url <url>', description: 'service API to speak to (SEMILAYER_SERVICE_URL)' },
  { flags: '--ca-file <path>', description: 'further certificate authorities, PEM (SEMILAYER_CA_FILE)' },
  {
    flags: '--insecure',
    description: 'allow connections without TLS to other machines (SEMILAYER_INSECURE=1)',
  },
  { flags: '--no-input', description: 'never ask' },
  { flags: '-q, --quiet', description: 'say nothing but data, warnings and errors' },
  { flags: '--debug', description: 'show where an error came from' },
  { flags: '--color', description: 'colour, even off a terminal' },
  { flags: '--no-color', description: 'no colour' },
  { flags: '--json', description: 'print JSON' },
  { flags: '-h, --help', description: 'show help' },
];
