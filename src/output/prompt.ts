/** Questions at a terminal: asked on stderr, answered on stdin. */
import { createInterface } from 'node:readline';

export interface PromptStreams {
  stdin: NodeJS.ReadStream;
  stderr: NodeJS.WritableStream;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACES = new Set(['\u007f', '\b']);

/** Whether the person said yes. The terminal stays in its usual mode, so that Ctrl-C is a signal as always. */
export async function confirm(streams: PromptStreams, question: string): Promise<boolean> {
  const lines = createInterface({ input: streams.stdin, terminal: false });
  try {
    streams.stderr.write(`${question} [y/N] `);
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
    streams.stdin.pause();
  }
}

/** A line that is not shown while it is typed; undefined when the person gave up (Ctrl-C, Ctrl-D). */
export async function askHidden(streams: PromptStreams, question: string): Promise<string | undefined> {
  const { stdin, stderr } = streams;
  stderr.write(`${question}: `);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    return await new Promise(resolve => {
      let typed = '';
      const onData = (chunk: string): void => {
        for (const char of chunk) {
          if (char === '\r' || char === '\n') finish(typed);
          else if (char === CTRL_C || (char === CTRL_D && typed === '')) finish(undefined);
          else if (BACKSPACES.has(char)) typed = typed.slice(0, -1);
          else if (char >= ' ') typed += char;
        }
      };
      const finish = (answer: string | undefined): void => {
        stdin.off('data', onData);
        resolve(answer);
      };
      stdin.on('data', onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
