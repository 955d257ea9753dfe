/** The signals port on the real process. */
import { EXIT } from '../errors.ts';
import type { SignalName, Signals } from './context.ts';

/** What a signal ends the program with while no command listens for it: as a shell would say it. */
const STATUS: Record<SignalName, number> = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGHUP: 129,
  SIGUSR2: 140,
  // Ctrl-Break acts as TERM.
  SIGBREAK: EXIT.terminated,
};

type Handler = (name: SignalName) => void;

/** `end` is called for a signal that nobody listens for; SIGHUP and SIGUSR2 are left alone until somebody has. */
export function createSignals(end: (status: number) => void): Signals {
  const handlers = new Map<SignalName, Set<Handler>>();
  const handlersOf = (name: SignalName): Set<Handler> => {
    const known = handlers.get(name);
    if (known) return known;
    const made = new Set<Handler>();
    handlers.set(name, made);
    // Elsewhere the system refuses to watch for it.
    if (name === 'SIGBREAK' && process.platform !== 'win32') return made;
    process.on(name, () => {
      if (made.size === 0) end(STATUS[name]);
      for (const handler of [...made]) handler(name);
    });
    return made;
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGBREAK'] as const) handlersOf(name);
  return {
    on(names, handler) {
      for (const name of names) handlersOf(name).add(handler);
      return () => {
        for (const name of names) handlersOf(name).delete(handler);
      };
    },
  };
}
