/** What a server for tests wants of a test, for a file whose suite makes its tests itself: it lasts as long as the file. */
import { after, type TestContext } from 'node:test';

export function fileContext(name: string): TestContext {
  return { name, diagnostic: () => {}, after } as unknown as TestContext;
}
