/** Numbers both sides of the wire hold to. */

/** The protocol version this package speaks. */
export const PROTOCOL_VERSION = 1;

/** Two beats inside the 60 s idle cut of common proxies. */
export const HEARTBEAT_INTERVAL_MS = 25_000;

/** Default job deadline when the caller names none. */
export const DEFAULT_JOB_DEADLINE_MS = 30_000;

/** A day: beyond it a Node timer would be near its limit and a caller surely gone. */
export const MAX_JOB_DEADLINE_MS = 86_400_000;

/** Largest frame either side accepts. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Most WebSocket fragments that one message may come in: empty ones cost their sender nothing. */
export const MAX_FRAGMENTS = 16_384;

/** Deepest JSON nesting either side accepts; keeps every recursive reader far from its stack's end. */
export const MAX_JSON_DEPTH = 128;

/** A runner that has not said hello by then is closed with 4400. */
export const HELLO_TIMEOUT_MS = 5_000;

/** Silence after which a peer asks with a WebSocket ping. */
export const PING_AFTER_SILENCE_MS = 8_000;

/** By this much silence a peer was taken for dead: 4408. */
export const DEAD_AFTER_SILENCE_MS = 12_000;

/** Longest job, source or runner identifier accepted in a frame. */
export const MAX_ID_LENGTH = 256;
