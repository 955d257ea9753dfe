/** What the servers of the tests ask of a test: what is opened is closed by `close`. */
export class Scope {
  name = 'benchmark';
  #closing = [];

  diagnostic() {}

  after(close) {
    this.#closing.unshift(close);
  }

  async close() {
    for (const close of this.#closing.splice(0)) await close();
  }
}
