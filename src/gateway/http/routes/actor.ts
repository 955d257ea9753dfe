/** The caller, as the audit log and the runners name it. */
import type { JobCaller } from '../../../protocol/frames.ts';
import type { Actor } from '../../../store/store.ts';
import type { Call } from '../route.ts';

export function actorOf(call: Call): Actor {
  return { keyId: call.principal.keyId, name: call.principal.name };
}

export function callerOf({ principal, requestId, traceparent }: Call): JobCaller {
  return { name: principal.name, requestId, ...(traceparent === undefined ? {} : { traceparent }) };
}
