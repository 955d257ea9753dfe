/** What two peers may agree on beyond version 1: offered in `hello`, confirmed with limits in `hello-ack`. */

/** Offered by a runner. An absent key is not offered; an unknown key is ignored. */
export interface OfferedFeatures {
  /** Jobs the runner works on at once. */
  concurrency?: { limit: number };
  /** Either side can announce that it is leaving. */
  drain?: Record<string, never>;
  /** The runner can pace each job's chunks by byte credit. */
  credit?: Record<string, never>;
  /** The runner can send rows as lines of JSON in binary messages. */
  rawRows?: Record<string, never>;
  /** The runner would like to know who asked. */
  caller?: Record<string, never>;
  /** The runner says whether it takes a job. */
  attempts?: Record<string, never>;
  /** A leaving runner wants to know that its endings have arrived. */
  endings?: Record<string, never>;
  /** Silence may be judged sooner while a job is under way. */
  fastPing?: Record<string, never>;
}

/** Confirmed by the gateway: what is absent here is never sent by either side. */
export interface AcceptedFeatures {
  /** Jobs the gateway will have in flight on this session at most. */
  concurrency?: { limit: number };
  drain?: Record<string, never>;
  credit?: CreditTerms;
  rawRows?: Record<string, never>;
  /** Jobs say who asked. */
  caller?: Record<string, never>;
  /** Jobs say which attempt they are; one of which nothing is heard for that long goes to another runner. */
  attempts?: { acceptMs: number };
  /** The gateway counts the endings of a leaving runner for it. */
  endings?: Record<string, never>;
  /** In place of 8 and 12 s while a job is under way. */
  fastPing?: Pace;
}

export interface CreditTerms {
  /** Bytes of chunk frames each job may send before the first `credit` frame. */
  windowBytes: number;
  /** Bytes that a caller has taken, at most, before they are granted again. */
  grantBytes?: number;
}

/** Milliseconds of silence after which a peer is asked, and after which it is taken for dead. */
export interface Pace {
  pingMs: number;
  deadMs: number;
}

/** Concurrency of a runner that offers none: what the protocol promises of version 1 peers. */
export const DEFAULT_CONCURRENCY = 16;

/** Most jobs one session may be given, whatever it offers. */
export const MAX_CONCURRENCY = 1024;

/** A megabyte in flight a job keeps a fast link busy over 50 ms at 20 MB/s, and bounds what a slow caller can pile up. */
export const CREDIT_WINDOW_BYTES = 1_048_576;

/** As much as a chunk holds: what a runner withholds of a connection that several want depends on it. */
export const CREDIT_GRANT_BYTES = 65_536;

/** A runner whose loop turns answers in milliseconds; one that is blocked loses a new job to another soon enough. */
export const ACCEPT_WITHIN_MS = 2_000;

/** Somebody waits: worth a ping every three seconds of silence, and still patient with a driver that blocks for five. */
export const FAST_PACE: Readonly<Pace> = { pingMs: 3_000, deadMs: 7_000 };

/** The gateway's answer to an offer: the pure half of the negotiation. */
export function acceptFeatures(offered: OfferedFeatures): AcceptedFeatures {
  const accepted: AcceptedFeatures = {};
  if (offered.concurrency)
    accepted.concurrency = { limit: Math.min(offered.concurrency.limit, MAX_CONCURRENCY) };
  if (offered.drain) accepted.drain = {};
  if (offered.credit) accepted.credit = { windowBytes: CREDIT_WINDOW_BYTES, grantBytes: CREDIT_GRANT_BYTES };
  if (offered.rawRows) accepted.rawRows = {};
  if (offered.caller) accepted.caller = {};
  if (offered.attempts) accepted.attempts = { acceptMs: ACCEPT_WITHIN_MS };
  if (offered.endings) accepted.endings = {};
  if (offered.fastPing) accepted.fastPing = { ...FAST_PACE };
  return accepted;
}
