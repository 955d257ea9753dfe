/** What systemd is told of a service of `Type=notify`; nothing where it does not ask. */
import { spawn } from 'node:child_process';
import type { CancelTimer, Clock } from './clock.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceManager {
  /** `READY=1`, `STOPPING=1`, `STATUS=…`: in order, one after the other. */
  notify(...states: string[]): void;
  close(): void;
}

/**
 * Node has no datagram sockets of Unix, so systemd's own program speaks to it: the unit needs `NotifyAccess=all`. Where
 * the unit sets `WatchdogSec`, a sign of life goes out twice in that time, from the loop that does the work.
 */
export function createServiceManager(env: Environment, clock: Clock): ServiceManager {
  const socket = env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return { notify: () => {}, close: () => {} };
  let last = Promise.resolve();
  const tell = (states: string[]): Promise<void> =>
    new Promise(resolve => {
      const child = spawn('systemd-notify', states, {
        env: { NOTIFY_SOCKET: socket, PATH: env.PATH ?? '/usr/bin:/bin' },
        stdio: 'ignore',
      });
      // Not there, or refused: the service runs all the same, and systemd says what it missed.
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
  const notify = (...states: string[]): void => {
    last = last.then(() => tell(states));
  };
  const watchdogMs = Number(env.WATCHDOG_USEC) / 1_000;
  const cancel: CancelTimer =
    watchdogMs > 0 ? clock.every(watchdogMs / 2, () => notify('WATCHDOG=1')) : () => {};
  return { notify, close: cancel };
}
