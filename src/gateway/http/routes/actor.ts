/** The caller, as the audit log names it. */
import type { Actor } from '../../../store/store.ts';
import type { Call } from '../route.ts';

export function actorOf(call: Call): Actor {
  return { keyId: call.principal.keyId, name: call.principal.name };
}
