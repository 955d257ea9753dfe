/** Questions at a terminal: asked on stderr, answered on stdin, with a prompt library that is loaded for the first one. */
import { Writable } from 'node:stream';
import { AppError } from '../errors.ts';
import { sanitise } from './sanitise.ts';

export interface PromptStreams {
  stdin: NodeJS.ReadStream;
  stderr: NodeJS.WritableStream;
}

export interface Choice<T> {
  value: T;
  name: string;
}

export interface TextOptions {
  default?: string | undefined;
  /** True, or what is wrong. */
  validate?: (text: string) => string | true;
}

type Context = { input: NodeJS.ReadableStream; output: NodeJS.WritableStream; signal: AbortSignal };

/** Each question throws AppError `interrupted` (exit 130) when the person gives up: Ctrl-C, Ctrl-D. */
export class Prompts {
  readonly #streams: PromptStreams;
  readonly #colour: boolean;

  constructor(streams: PromptStreams, colour: boolean) {
    this.#streams = streams;
    this.#colour = colour;
  }

  async text(message: string, options: TextOptions = {}): Promise<string> {
    const { default: input } = await import('@inquirer/input');
    const { default: otherwise, validate = () => true } = options;
    return await this.#ask(context =>
      input(
        {
          message: sanitise(message),
          validate: text => validate(text.trim()),
          ...(otherwise === undefined ? {} : { default: otherwise }),
          theme: this.#theme(),
        },
        context,
      ),
    ).then(answer => answer.trim());
  }

  /** What is typed shows as stars. */
  async secret(message: string): Promise<string> {
    const { default: password } = await import('@inquirer/password');
    return await this.#ask(context =>
      password({ message: sanitise(message), mask: '*', theme: this.#theme() }, context),
    ).then(answer => answer.trim());
  }

  async choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    const { default: select } = await import('@inquirer/select');
    return await this.#ask(context =>
      select<T>({ message: sanitise(message), choices: shown(choices), theme: this.#theme() }, context),
    );
  }

  /** At least one of them. */
  async chooseSeveral<T>(message: string, choices: readonly Choice<T>[]): Promise<T[]> {
    const { default: checkbox } = await import('@inquirer/checkbox');
    return await this.#ask(context =>
      checkbox<T>(
        { message: sanitise(message), choices: shown(choices), required: true, theme: this.#theme() },
        context,
      ),
    );
  }

  async #ask<T>(ask: (context: Context) => Promise<T>): Promise<T> {
    const { stdin, stderr } = this.#streams;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    const onKey = (_text: unknown, key: { ctrl?: boolean; name?: string } | undefined): void => {
      if (key?.ctrl && key.name === 'd') leave();
    };
    stdin.on('keypress', onKey);
    stdin.once('end', leave);
    try {
      return await ask({ input: stdin, output: unending(stderr), signal: gone.signal });
    } catch (error) {
      if (error instanceof Error && /^(?:ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(error.name)) {
        throw new AppError('interrupted', { message: 'given up at the question' });
      }
      throw error;
    } finally {
      stdin.off('keypress', onKey);
      stdin.off('end', leave);
      stdin.pause();
    }
  }

  /** The library looks at the environment alone for colour; `--no-color` is ours. */
  #theme(): object {
    if (this.#colour) return { prefix: { idle: '?', done: '✓' } };
    const plain = (text: string): string => text;
    const names = ['answer', 'message', 'error', 'defaultAnswer', 'help', 'highlight', 'key', 'disabled'];
    return {
      prefix: { idle: '?', done: '✓' },
      style: Object.fromEntries(names.map(name => [name, plain])),
    };
  }
}

/** The library ends the stream that it was given: what comes after a question has to get out all the same. */
function unending(stream: NodeJS.WritableStream): NodeJS.WritableStream {
  const { columns = 80 } = stream as Partial<NodeJS.WriteStream>;
  const forwarding = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => void stream.write(chunk, () => done()),
  });
  return Object.assign(forwarding, { isTTY: true, columns });
}

function shown<T>(choices: readonly Choice<T>[]): Choice<T>[] {
  return choices.map(({ value, name }) => ({ value, name: sanitise(name) }));
}
