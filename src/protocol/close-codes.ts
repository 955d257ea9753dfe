/** WebSocket close codes of the protocol and their meaning. */

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  abnormal: 1006,
  messageTooBig: 1009,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  malformed: 4400,
  unauthorized: 4401,
  wrongRunner: 4403,
  noCommonVersion: 4406,
  nothingHeard: 4408,
  frameTooLarge: 4413,
  tooManyAttempts: 4429,
} as const;

const RETRY_AFTER = /(?:^|[\s;,])retry-after=(\d{1,9})(?:$|[\s;,])/;

/** Reads `retry-after=SECONDS` out of a close reason; milliseconds, or undefined where there is none. */
export function retryAfterOf(reason: string): number | undefined {
  const seconds = RETRY_AFTER.exec(reason)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
