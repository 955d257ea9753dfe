/** Records that change all the time, and what must be there of them after the gateway was killed at any moment. */
import assert from 'node:assert/strict';
import type { Seeded } from './seeded.ts';

/** What is known of one runner: the state that was acknowledged, and the change that was asked for and not answered. */
interface Known {
  token: string | undefined;
  sources: string[];
  revoked: boolean;
  exists: boolean;
  pending: Change | undefined;
}

type Change = 'create' | 'rotate' | 'assign' | 'unassign' | 'revoke' | 'delete';

export interface Service {
  url: string;
  key: string;
}

interface RunnerView {
  name: string;
  fingerprint: string | null;
  sources: string[];
  status: string;
}

const SOURCES = ['one', 'two'];

export class RecordChurn {
  readonly #known = new Map<string, Known>();
  readonly #random: Seeded;
  #names = 0;
  /** Changes that were acknowledged. */
  acknowledged = 0;

  constructor(random: Seeded) {
    this.#random = random;
  }

  /** The sources that runners are assigned; once, on a gateway that lives. */
  async prepare(service: Service): Promise<void> {
    for (const name of SOURCES) {
      await ask(service, 'POST', '/v1/sources', {
        name,
        bridge: 'sqlite',
        credentialsLocation: 'runner-local',
      });
    }
  }

  /** Changes one record after another until the gateway answers no more. */
  async until(service: Service, dead: () => boolean): Promise<void> {
    while (!dead()) if (!(await this.#change(service))) return;
  }

  async #change(service: Service): Promise<boolean> {
    const free = [...this.#known].filter(([, known]) => known.exists && known.pending === undefined);
    const [name, known] =
      free.length < 4 || this.#random.below(3) === 0 ? this.#fresh() : this.#random.pick(free);
    const change: Change = known.exists
      ? this.#random.pick(['rotate', 'assign', 'assign', 'unassign', 'revoke', 'delete'] as const)
      : 'create';
    if (change === 'rotate' && known.revoked) return true;
    known.pending = change;
    const answer = await request(service, name, change).catch(() => undefined);
    if (!answer) return false;
    assert.ok(answer.ok, `${change} ${name}: ${answer.status}`);
    apply(known, change, ((await answer.json().catch(() => ({}))) as { token?: string }).token);
    known.pending = undefined;
    this.acknowledged++;
    return true;
  }

  #fresh(): [string, Known] {
    const name = `r-${this.#random.seed}-${this.#names++}`;
    const known: Known = { token: undefined, sources: [], revoked: false, exists: false, pending: undefined };
    this.#known.set(name, known);
    return [name, known];
  }

  /**
   * Everything acknowledged is there; what was asked for and not answered is there as a whole or not at all.
   *
   * @param fingerprintOf of a token, as the service shows it.
   */
  async verify(service: Service, fingerprintOf: (token: string) => string): Promise<void> {
    const found = new Map((await everyRunner(service)).map(runner => [runner.name, runner]));
    for (const [name, known] of this.#known) {
      const view = found.get(name);
      const before = matches(known, view, fingerprintOf);
      const change = known.pending;
      if (change === undefined) {
        assert.ok(
          before,
          `${name}: ${JSON.stringify({ ...known, token: '…' })} is now ${JSON.stringify(view)}`,
        );
        continue;
      }
      const after = { ...known, sources: [...known.sources] };
      apply(after, change, undefined);
      assert.ok(
        before || matches(after, view, fingerprintOf),
        `${name}: half of ${change}: ${JSON.stringify(view)}`,
      );
      // Whichever it was, it is settled now; the token of an unanswered create or rotate is nobody's.
      if (!before) Object.assign(known, after);
      known.pending = undefined;
    }
  }
}

function apply(known: Known, change: Change, token: string | undefined): void {
  if (change === 'create') known.exists = true;
  if (change === 'create' || change === 'rotate') known.token = token;
  if (change === 'assign') known.sources = SOURCES;
  if (change === 'unassign') known.sources = [];
  if (change === 'revoke') known.revoked = true;
  if (change === 'delete') known.exists = false;
}

function matches(
  known: Known,
  view: RunnerView | undefined,
  fingerprintOf: (token: string) => string,
): boolean {
  if (!known.exists || !view) return !known.exists && !view;
  return (
    [...view.sources].sort().join() === [...known.sources].sort().join() &&
    (view.status === 'revoked') === known.revoked &&
    (known.token === undefined || known.revoked || view.fingerprint === fingerprintOf(known.token))
  );
}

function request(service: Service, name: string, change: Change): Promise<Response> {
  const path = `/v1/runners/${name}`;
  switch (change) {
    case 'create':
      return ask(service, 'POST', '/v1/runners', { name });
    case 'rotate':
    case 'revoke':
      return ask(service, 'POST', `${path}/${change}`, {});
    case 'assign':
      return ask(service, 'PUT', `${path}/sources`, { sources: SOURCES });
    case 'unassign':
      return ask(service, 'PUT', `${path}/sources`, { sources: [] });
    case 'delete':
      return ask(service, 'DELETE', path);
  }
}

async function everyRunner(service: Service): Promise<RunnerView[]> {
  const all: RunnerView[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await ask(service, 'GET', `/v1/runners?limit=1000${query}`);
    const { items, nextCursor } = (await page.json()) as { items: RunnerView[]; nextCursor: string | null };
    all.push(...items);
    cursor = nextCursor;
  }
  return all;
}

function ask({ url, key }: Service, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
