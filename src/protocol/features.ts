/** What two peers may agree on beyond version 1: offered in `hello`, confirmed with limits in `hello-ack`. */

/** Offered by a runner. An absent key is not offered; an unknown key is ignored. */
export interface OfferedFeatures {
  /** Jobs the runner works on at once. */
  concurrency?: { limit: number };
  /** The runner can announce that it is leaving. */
  drain?: Record<string, never>;
  /** The runner can pace each job's chunks by byte credit. */
  credit?: Record<string, never>;
  /** The runner can send rows as lines of JSON in binary messages. */
  rawRows?: Record<string, never>;
  /** The runner would like to know who asked. */
  caller?: Record<string, never>;
}

/** Confirmed by the gateway: what is absent here is never sent by either side. */
export interface AcceptedFeatures {
  /** Jobs the gateway will have in flight on this session at most. */
  concurrency?: { limit: number };
  drain?: Record<string, never>;
  /** Bytes of chunk frames each job may send before the first `credit` frame. */
  credit?: { windowBytes: number };
  rawRows?: Record<string, never>;
  /** Jobs say who asked. */
  caller?: Record<string, never>;
}

/** Concurrency of a runner that offers none: what the protocol promises of version 1 peers. */
export const DEFAULT_CONCURRENCY = 16;

/** Most jobs one session may be given, whatever it offers. */
export const MAX_CONCURRENCY = 1024;

/** A megabyte in flight a job keeps a fast link busy over 50 ms at 20 MB/s, and bounds what a slow caller can pile up. */
export const CREDIT_WINDOW_BYTES = 1_048_576;

/** The gateway's answer to an offer: the pure half of the negotiation. */
export function acceptFeatures(offered: OfferedFeatures): AcceptedFeatures {
  const accepted: AcceptedFeatures = {};
  if (offered.concurrency)
    accepted.concurrency = { limit: Math.min(offered.concurrency.limit, MAX_CONCURRENCY) };
  if (offered.drain) accepted.drain = {};
  if (offered.credit) accepted.credit = { windowBytes: CREDIT_WINDOW_BYTES };
  if (offered.rawRows) accepted.rawRows = {};
  if (offered.caller) accepted.caller = {};
  return accepted;
}
