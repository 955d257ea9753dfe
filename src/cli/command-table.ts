/** Every command of the program, in the order of its help. */
import type { CommandSpec, GroupSpec } from './command.ts';
import { PROCESS_COMMANDS } from './table/processes.ts';
import { RUNNER_COMMANDS } from './table/runners.ts';
import { SETTING_COMMANDS } from './table/settings.ts';
import { SOURCE_COMMANDS } from './table/sources.ts';

export const COMMANDS: readonly CommandSpec[] = [
  ...RUNNER_COMMANDS,
  ...SOURCE_COMMANDS,
  ...PROCESS_COMMANDS,
  ...SETTING_COMMANDS,
];

/** Words that only gather the commands below them. */
export const GROUPS: readonly GroupSpec[] = [
  { name: 'runners', summary: 'Create, list, rotate, revoke and assign runners' },
  { name: 'sources', summary: 'Add, list, test and remove sources' },
  { name: 'ledger', summary: 'The local record of what a runner let out' },
  { name: 'gateway keys', summary: 'The way back in: API keys of a stopped gateway' },
  { name: 'context', summary: 'Which service the commands speak to' },
  { name: 'keys', summary: 'API keys of the service' },
  { name: 'config', summary: 'What is set, where it came from, what is written where' },
];

/** Under which heading of the help a command of the first level stands. */
export const HEADINGS: Readonly<Record<string, string>> = {
  runners: 'Runners and sources',
  sources: 'Runners and sources',
  query: 'Runners and sources',
  count: 'Runners and sources',
  run: 'Where the database is',
  ready: 'Where the database is',
  doctor: 'Where the database is',
  ledger: 'Where the database is',
  gateway: 'A gateway of your own',
  dev: 'A gateway of your own',
  demo: 'A gateway of your own',
  console: 'A gateway of your own',
  login: 'Service and settings',
  logout: 'Service and settings',
  whoami: 'Service and settings',
  context: 'Service and settings',
  keys: 'Service and settings',
  config: 'Service and settings',
  completion: 'More',
  help: 'More',
};
