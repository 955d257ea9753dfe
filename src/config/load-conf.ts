/** `conf`, without the signal handlers that it brings. */
import { constants } from 'node:os';

/**
 * A dependency of conf (when-exit) listens for every signal and sends it again once it has tidied up. To `dev`, whose
 * first Ctrl-C drains and whose second leaves at once, that is a second Ctrl-C. Its tidying at exit stays.
 */
export async function loadConf(): Promise<typeof import('conf').default> {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  const before = new Map(names.map(name => [name, new Set(process.listeners(name))]));
  const { default: Conf } = await import('conf');
  for (const name of names) {
    for (const listener of process.listeners(name)) {
      if (!before.get(name)?.has(listener)) process.off(name, listener as NodeJS.SignalsListener);
    }
  }
  return Conf;
}
