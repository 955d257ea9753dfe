/** Commands about runners. */
import type { CommandSpec, OptionSpec } from '../command.ts';

const ENV_FILE: OptionSpec = {
  flags: '--env-file <path>',
  description: 'write ID and token into this file (mode 0600) instead of printing them',
};
const YES: OptionSpec = { flags: '-y, --yes', description: 'do not ask' };
const load = () => import('../../commands/runners.ts');

export const RUNNER_COMMANDS: readonly CommandSpec[] = [
  {
    usage: 'runners create <name>',
    summary: 'Create a runner and print its ID and token, this once',
    options: [
      { flags: '--type <type>', description: 'deployment type', choices: ['customer', 'saas'] },
      ENV_FILE,
    ],
    examples: ['runners create edge-1 > .env', 'runners create edge-1 --env-file .env'],
    asked: ['name'],
    run: async ([name], flags, ctx) =>
      await (await load()).createRunner(name as string | undefined, flags, ctx),
  },
  {
    usage: 'runners list',
    summary: 'List runners and whether they are connected',
    options: [{ flags: '--watch', description: 'keep showing changes, until interrupted' }],
    examples: ['runners list', 'runners list --watch', 'runners list --json'],
    run: async (_args, flags, ctx) =>
      await (await import('../../commands/runners-list.ts')).listRunners(flags, ctx),
  },
  {
    usage: 'runners show <runner>',
    asked: ['runner'],
    summary: 'Show a runner, its sessions and its sources',
    examples: ['runners show edge-1', 'runners show edge-1 --json'],
    run: async ([runner], _flags, ctx) =>
      await (await import('../../commands/runners-list.ts')).showRunner(runner as string | undefined, ctx),
  },
  {
    usage: 'runners rotate <runner>',
    asked: ['runner'],
    summary: 'Make a new token; sessions of the old one end at once, or after the overlap',
    options: [
      { flags: '--overlap <duration>', description: 'keep the old token valid that long (1s to 7d)' },
      ENV_FILE,
      YES,
    ],
    examples: ['runners rotate edge-1 --yes --env-file .env', 'runners rotate edge-1 --overlap 10m'],
    run: async ([runner], flags, ctx) =>
      await (await load()).rotateRunner(runner as string | undefined, flags, ctx),
  },
  {
    usage: 'runners revoke <runner>',
    asked: ['runner'],
    summary: 'End every token and session of a runner; its record stays',
    options: [YES],
    examples: ['runners revoke edge-1', 'runners revoke edge-1 --yes'],
    run: async ([runner], flags, ctx) =>
      await (await load()).revokeRunner(runner as string | undefined, flags, ctx),
  },
  {
    usage: 'runners delete <runner>',
    asked: ['runner'],
    summary: 'Delete a runner; its sessions end and its name is free',
    options: [YES],
    examples: ['runners delete edge-1', 'runners delete edge-1 --yes'],
    run: async ([runner], flags, ctx) =>
      await (await load()).deleteRunner(runner as string | undefined, flags, ctx),
  },
  {
    usage: 'runners assign <runner> <source...>',
    asked: ['runner', 'source'],
    summary: 'Let a runner answer for sources, all or none of them',
    examples: ['runners assign edge-1 orders', 'runners assign edge-1 orders customers'],
    run: async ([runner, sources], _flags, ctx) =>
      await (await load()).assignSources(runner as string | undefined, sources as string[] | undefined, ctx),
  },
  {
    usage: 'runners unassign <runner> <source...>',
    asked: ['runner', 'source'],
    summary: 'Take sources from a runner, all or none of them',
    examples: ['runners unassign edge-1 orders'],
    run: async ([runner, sources], _flags, ctx) =>
      await (await load()).unassignSources(
        runner as string | undefined,
        sources as string[] | undefined,
        ctx,
      ),
  },
];
