/** The caller, as the audit log and the runners name it. */
import type { JobCaller } from '../../../protocol/frames.ts';
import type { Actor } from '../../../store/store.ts';
import type { Call } from '../route.ts';

export function actorOf(call: Call): Actor {
  return { keyId: call.principal.keyId, name: call.principal.name };
}

/** Version, trace, span and flags, each in hexadecimal: anything else is not passed on. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function callerOf({ principal, request, requestId }: Call): JobCaller {
  const { traceparent } = request.headers;
  const traced = typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
  return { name: principal.name, requestId, ...(traced ? { traceparent } : {}) };
}
