/** Lines out of a body that arrives in pieces. */

/** Batches of whole lines, without their ends; a last one that was not ended comes too. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string[], void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (done && rest !== '') lines.push(rest);
      yield lines.map(line => line.replace(/\r$/, ''));
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

export interface ServerEvent {
  type: string;
  data: string;
}

/** Server-sent events; an empty batch is a sign of life without one. */
export async function* serverEventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerEvent[], void, undefined> {
  let type = 'message';
  let data: string[] = [];
  for await (const lines of linesOf(body)) {
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ type, data: data.join('\n') });
        type = 'message';
        data = [];
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'event') type = value;
      if (field === 'data') data.push(value);
    }
    yield events;
  }
}
