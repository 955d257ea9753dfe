/** Commands about services, keys and settings. */
import type { CommandSpec, OptionSpec } from '../command.ts';

const YES: OptionSpec = { flags: '-y, --yes', description: 'do not ask' };
const loadContext = () => import('../../commands/context.ts');
const loadKeys = () => import('../../commands/keys.ts');
const loadConfig = () => import('../../commands/config.ts');

export const SETTING_COMMANDS: readonly CommandSpec[] = [
  {
    usage: 'console',
    summary: 'Print a one-time link to the Console',
    examples: ['console'],
    run: async (_args, _flags, ctx) => await (await import('../../commands/console.ts')).consoleLink(ctx),
  },
  {
    usage: 'login',
    summary: 'Check an API key, remember it and its service as a context, and use it',
    options: [{ flags: '--api-key-stdin', description: 'read the key from stdin' }],
    examples: ['login', 'login --service-url https://gateway.example.com', 'login --api-key-stdin < key.txt'],
    run: async (_args, flags, ctx) => await (await import('../../commands/login.ts')).login(flags, ctx),
  },
  {
    usage: 'logout',
    summary: 'Forget the key of the context in use',
    examples: ['logout', 'logout --context staging'],
    run: async (_args, _flags, ctx) => await (await import('../../commands/logout.ts')).logout(ctx),
  },
  {
    usage: 'whoami',
    summary: 'Show the key in use, its role and its service',
    examples: ['whoami', 'whoami --json'],
    run: async (_args, _flags, ctx) => await (await import('../../commands/whoami.ts')).whoami(ctx),
  },
  {
    usage: 'context list',
    summary: 'List contexts',
    examples: ['context list'],
    run: async (_args, _flags, ctx) => await (await loadContext()).listContexts(ctx),
  },
  {
    usage: 'context use <name>',
    summary: 'Make a context the current one',
    examples: ['context use staging'],
    run: async ([name], _flags, ctx) => await (await loadContext()).useContext(name as string, ctx),
  },
  {
    usage: 'context show [name]',
    summary: 'Show a context, the one in use if none is named',
    examples: ['context show', 'context show staging'],
    run: async ([name], _flags, ctx) =>
      await (await loadContext()).showContext(name as string | undefined, ctx),
  },
  {
    usage: 'context remove <name>',
    summary: 'Forget a context and its key',
    options: [YES],
    examples: ['context remove staging'],
    run: async ([name], flags, ctx) => await (await loadContext()).forgetContext(name as string, flags, ctx),
  },
  {
    usage: 'keys create <name>',
    summary: 'Create an API key and print it, this once',
    options: [
      {
        flags: '--role <role>',
        description: 'what the key may do',
        choices: ['admin', 'operator', 'read-only', 'query-only'],
        required: true,
      },
    ],
    examples: ['keys create ci --role query-only'],
    run: async ([name], flags, ctx) => await (await loadKeys()).createKey(name as string, flags, ctx),
  },
  {
    usage: 'keys list',
    summary: 'List API keys',
    examples: ['keys list', 'keys list --json'],
    run: async (_args, _flags, ctx) => await (await loadKeys()).listKeys(ctx),
  },
  {
    usage: 'keys revoke <key>',
    summary: 'Revoke an API key',
    options: [YES],
    examples: ['keys revoke ci'],
    run: async ([key], flags, ctx) => await (await loadKeys()).revokeKey(key as string, flags, ctx),
  },
  {
    usage: 'config explain',
    summary: 'Print every effective value and where it came from',
    examples: ['config explain', 'config explain --json'],
    run: async (_args, _flags, ctx) => await (await loadConfig()).explainConfig(ctx),
  },
  {
    usage: 'config paths',
    summary: 'Print every file that semilayer writes',
    examples: ['config paths'],
    run: async (_args, _flags, ctx) => await (await loadConfig()).listPaths(ctx),
  },
  {
    usage: 'completion <shell>',
    unattended: true,
    summary: 'Print a completion script for bash, zsh or fish',
    arguments: { shell: ['bash', 'zsh', 'fish'] },
    examples: ['completion bash >> ~/.bashrc', 'completion fish'],
    run: async ([shell], _flags, ctx) =>
      await (await import('../../commands/completion.ts')).printCompletion(shell as string, ctx),
  },
];
