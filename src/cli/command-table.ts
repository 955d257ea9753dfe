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
