/** What was delivered, so that ways to deliver it can be compared: how many rows, of which ids, in how many bytes. */

const NEWLINE = 10;
const QUOTE = 34;
const EMPTY = Buffer.alloc(0);

export class Tally {
  rows = 0;
  bytes = 0;
  #sum = 0;
  #mix = 0;
  #skip;
  #tail = EMPTY;

  /** @param before what stands before the id on each line: `{"id":`, or nothing. */
  constructor(before = '') {
    this.#skip = before.length;
  }

  /** Bytes of lines that begin with an id, cut anywhere. Nothing but the id is looked at. */
  lines(chunk) {
    this.bytes += chunk.length;
    const bytes = this.#tail.length > 0 ? Buffer.concat([this.#tail, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.id(idAt(bytes, start + this.#skip));
      start = end + 1;
    }
    this.#tail = bytes.subarray(start);
  }

  id(id) {
    this.rows++;
    this.#sum += id;
    this.#mix ^= mixed(id);
  }

  /** The same for the same ids in any order; a row twice in place of another is not the same. */
  get checksum() {
    return `${this.#sum}/${this.#mix >>> 0}${this.#tail.length > 0 ? ' and half a line' : ''}`;
  }
}

/** The tally of ids 1 to `rows`. */
export function expectedTally(rows) {
  const tally = new Tally();
  for (let id = 1; id <= rows; id++) tally.id(id);
  return tally;
}

/** @throws when the rows delivered are not those asked for: no figure is worth anything then. */
export function mustEqual(what, delivered, expected) {
  if (delivered.rows === expected.rows && delivered.checksum === expected.checksum) return;
  throw new Error(
    `${what} delivered ${delivered.rows} rows with checksum ${delivered.checksum}; it should have been ${expected.rows} with ${expected.checksum}`,
  );
}

function idAt(bytes, start) {
  let at = bytes[start] === QUOTE ? start + 1 : start;
  let id = 0;
  for (let digit = bytes[at] - 48; digit >= 0 && digit <= 9; digit = bytes[++at] - 48) id = id * 10 + digit;
  return id;
}

function mixed(id) {
  const once = Math.imul(id, 0x9e3779b1);
  return Math.imul(once ^ (once >>> 15), 0x85ebca6b);
}
