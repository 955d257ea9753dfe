/** What each error code means and what to do about it: the help, the documentation and hints that are missing. */
import type { ErrorCode } from '../errors.ts';

export interface ErrorEntry {
  /** One clause, in lower case. */
  meaning: string;
  /** What to do, where nothing more exact is known. */
  hint: string;
}

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = {
  internal: {
    meaning: 'a failure that nobody foresaw',
    hint: 'report it with the command, and what it prints with --debug',
  },
  store_corrupt: {
    meaning: "the gateway's store is damaged",
    hint: 'put a backup in its place: semilayer gateway backup makes them',
  },
  store_newer: {
    meaning: 'the store was written by a newer version',
    hint: 'run that version; nothing was changed',
  },
  unexpected_answer: {
    meaning: 'the service answered in a form that this version does not know',
    hint: 'is it a SemiLayer service? semilayer whoami shows its version; upgrade the older of the two',
  },
  protocol_error: {
    meaning: 'the two ends do not understand each other',
    hint: 'bring gateway and runner to versions that are at most one minor apart',
  },
  doctor_failed: { meaning: 'a check of the doctor failed', hint: 'what to do stands with each' },
  not_ready: { meaning: 'the runner is not connected', hint: 'look at its log, or run semilayer doctor' },
  demo_failed: { meaning: 'a step of the demo did not do what it should', hint: 'run it with --debug' },
  ledger_broken: {
    meaning: 'a line of the ledger was changed, removed or reordered',
    hint: 'keep its files, and give the runner an empty directory',
  },
  ledger_failed: { meaning: 'the ledger cannot be written', hint: 'make room where it is kept' },
  usage: { meaning: 'the command line cannot be understood or done', hint: 'semilayer --help' },
  invalid_config: {
    meaning: 'a settings file says what cannot be, or cannot be used',
    hint: 'semilayer config paths names the files',
  },
  invalid_request: {
    meaning: 'the service cannot do what was asked',
    hint: '--help after the command shows what it takes',
  },
  unsupported_operator: {
    meaning: 'the bridge of that source does not know the operator',
    hint: 'ask with another operator',
  },
  protocol_unsupported: {
    meaning: 'runner and gateway have no common protocol version',
    hint: 'update the older of them',
  },
  not_found: { meaning: 'there is nothing of that name', hint: 'the list commands show what there is' },
  no_credential: {
    meaning: 'no API key, or a runner ID without its token',
    hint: 'semilayer login, or set SEMILAYER_API_KEY; a runner needs SEMILAYER_RUNNER_TOKEN_FILE',
  },
  conflict: {
    meaning: 'what is there already stands against it',
    hint: 'choose another name, or look at what is there',
  },
  port_in_use: { meaning: 'something else listens on the port', hint: 'choose another with --port' },
  data_dir_in_use: {
    meaning: 'another process works on the data directory',
    hint: 'stop it, or give another --data-dir',
  },
  too_many_jobs: { meaning: 'every assigned runner is full, and the queue too', hint: 'try again later' },
  runner_failed: {
    meaning: 'the runner was lost, and its job could not be moved',
    hint: 'try again; semilayer runners list shows which are online',
  },
  slow_consumer: {
    meaning: 'the caller read too slowly for a runner that cannot wait',
    hint: 'read faster, or ask for fewer rows',
  },
  no_runners_online: {
    meaning: 'no runner of that source is connected',
    hint: 'start one where the database is: semilayer run',
  },
  source_not_assigned: {
    meaning: 'no runner is assigned to that source',
    hint: 'semilayer runners assign <runner> <source>',
  },
  service_unreachable: {
    meaning: 'the service was not reached',
    hint: 'semilayer doctor looks at the way there',
  },
  service_unavailable: { meaning: 'the service cannot answer now', hint: 'try again later' },
  incomplete_response: { meaning: 'the answer was cut or is none', hint: 'try again' },
  SOURCE_NOT_ASSIGNED: {
    meaning: 'the runner was asked about a source that is not assigned to it',
    hint: 'semilayer runners assign <runner> <source>',
  },
  SOURCE_CONFIG_MISSING: {
    meaning: 'the runner has no credentials for the source',
    hint: 'set the variable that is named, where the runner starts',
  },
  SOURCE_UNREACHABLE: {
    meaning: 'the runner does not reach the database',
    hint: 'semilayer sources test <source>, or semilayer doctor where the runner is',
  },
  SOURCE_QUERY_FAILED: {
    meaning: 'the database refused the question',
    hint: 'semilayer sources targets <source> shows tables and columns',
  },
  UNSUPPORTED_OPERATOR: {
    meaning: 'the bridge does not know the operator',
    hint: 'ask with another operator',
  },
  UNSUPPORTED_JOB: { meaning: 'the bridge cannot do that kind of job', hint: 'update the runner' },
  BRIDGE_NOT_FOUND: {
    meaning: 'the runner has no bridge for that kind of database',
    hint: 'install it where the runner is started: npm install <bridge>',
  },
  ROW_TOO_LARGE: {
    meaning: 'one row is larger than a frame',
    hint: 'leave its largest fields out with --select',
  },
  CANCELLED: { meaning: 'the job was cancelled', hint: 'ask again' },
  QUERY_TIMEOUT: {
    meaning: 'the job took longer than it may',
    hint: 'ask for less, or give it a longer --timeout',
  },
  INTERNAL: { meaning: 'the runner failed at the job', hint: 'the log of the runner says more' },
  unauthorized: {
    meaning: 'the API key is wrong or revoked',
    hint: 'semilayer login, or set SEMILAYER_API_KEY',
  },
  forbidden: { meaning: 'the key may not do this', hint: 'semilayer whoami shows its role' },
  misdirected_request: {
    meaning: 'the gateway does not answer to that host name',
    hint: 'start it with --public-url or --allowed-host',
  },
  token_refused: {
    meaning: "the runner's token is wrong, rotated or revoked",
    hint: 'semilayer runners rotate <runner> makes another',
  },
  drain_timed_out: {
    meaning: 'jobs were still running when the grace period was over',
    hint: 'give a longer --grace-period',
  },
  interrupted: { meaning: 'given up at a question', hint: 'nothing was changed' },
};

/** Where docs/cli.md speaks of it. */
export function anchorOf(code: string): string {
  return `docs/cli.md#${code.toLowerCase()}`;
}
