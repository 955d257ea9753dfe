/** Runners as processes that can be killed, stopped and blocked, each the built runtime with a source of its own. */
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DemoProcess } from '../../src/commands/demo-process.ts';

const CHILD = fileURLToPath(new URL('./children/runner.mjs', import.meta.url));

export interface ChildRunner {
  gatewayUrl: string;
  runnerId: string;
  authToken: string;
  concurrency?: number;
  /** Whether sources do what their targets are called (`rows`, `hold`, `hang`, `block`) in place of a database. */
  scripted?: boolean;
}

/** One process of these runners, which has begun and is not connected yet. */
export function startRunners(t: Pick<TestContext, 'after'>, runners: readonly ChildRunner[]): DemoProcess {
  const child = new DemoProcess(
    [process.execPath, CHILD],
    { PATH: process.env.PATH, RUNNERS: JSON.stringify(runners) },
    process.cwd(),
  );
  t.after(() => child.destroy());
  return child;
}

/** One process of these runners; resolves when each is connected. */
export async function runnerProcess(
  t: Pick<TestContext, 'after'>,
  runners: readonly ChildRunner[],
): Promise<DemoProcess> {
  const child = startRunners(t, runners);
  await Promise.all(runners.map(({ runnerId }) => child.line(new RegExp(`^connected ${runnerId}$`))));
  return child;
}
