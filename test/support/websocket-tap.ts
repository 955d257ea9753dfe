/** Reads along a WebSocket from outside: the bytes of one direction, in pieces that are whole messages. */

const HEAD_END = Buffer.from('\r\n\r\n');
const TEXT = 1;
const BINARY = 2;
const CONTINUATION = 0;

export interface TappedMessage {
  /** `type` of the frame; `rows` for binary ones, `#ping` and the like for control frames. */
  type: string;
  id: string | undefined;
  /** Rows in it. */
  rows: number;
  /** What it holds, unmasked. */
  payload: Buffer;
}

export interface Piece {
  bytes: Buffer;
  /** The message that these bytes complete; none for a head, or for a fragment. */
  message: TappedMessage | undefined;
}

/** Bytes in, pieces out. What is not a WebSocket after its head passes as it is. */
export class WebSocketTap {
  #buffered: Buffer = Buffer.alloc(0);
  #headSeen: boolean;
  #fragments: Buffer[] = [];
  #opcode = TEXT;

  /** @param options.headSeen whether the upgrade is over, and only frames come. */
  constructor({ headSeen = false }: { headSeen?: boolean } = {}) {
    this.#headSeen = headSeen;
  }

  feed(chunk: Buffer): Piece[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const pieces: Piece[] = [];
    for (;;) {
      const piece = this.#headSeen ? this.#frame() : this.#head();
      if (!piece) return pieces;
      pieces.push(piece);
    }
  }

  #head(): Piece | undefined {
    const end = this.#buffered.indexOf(HEAD_END);
    if (end < 0) return undefined;
    this.#headSeen = true;
    return { bytes: this.#take(end + HEAD_END.length), message: undefined };
  }

  #frame(): Piece | undefined {
    const bytes = this.#buffered;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = second & 0x80 ? 4 : 0;
    const start = 2 + lengthBytes + maskBytes;
    if (bytes.length < start) return undefined;
    const length =
      lengthBytes === 2
        ? bytes.readUInt16BE(2)
        : lengthBytes === 8
          ? Number(bytes.readBigUInt64BE(2))
          : short;
    if (bytes.length < start + length) return undefined;
    const raw = this.#take(start + length);
    const payload = unmasked(
      raw.subarray(start),
      maskBytes === 0 ? undefined : raw.subarray(start - 4, start),
    );
    return { bytes: raw, message: this.#message(first & 0x0f, (first & 0x80) !== 0, payload) };
  }

  #message(opcode: number, final: boolean, payload: Buffer): TappedMessage | undefined {
    if (opcode >= 8) return { type: CONTROL[opcode] ?? '#control', id: undefined, rows: 0, payload };
    if (opcode !== CONTINUATION) this.#opcode = opcode;
    this.#fragments.push(payload);
    if (!final) return undefined;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    const text = this.#opcode === BINARY ? whole.subarray(0, whole.indexOf(10)) : whole;
    return { ...described(text.toString()), payload: whole };
  }

  #take(length: number): Buffer {
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }
}

const CONTROL: Record<number, string> = { 8: '#close', 9: '#ping', 10: '#pong' };

function unmasked(payload: Buffer, mask: Buffer | undefined): Buffer {
  if (!mask || mask.every(byte => byte === 0)) return payload;
  return Buffer.from(payload.map((byte, at) => byte ^ (mask[at & 3] as number)));
}

function described(text: string): Omit<TappedMessage, 'payload'> {
  try {
    const { type, id, rows, count } = JSON.parse(text) as Record<string, unknown>;
    return {
      type: String(type),
      id: id === undefined ? undefined : String(id),
      rows: type === 'rows' ? Number(count) : Array.isArray(rows) ? rows.length : 0,
    };
  } catch {
    return { type: '#unreadable', id: undefined, rows: 0 };
  }
}
