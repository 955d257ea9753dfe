/** What a runner that stopped by itself means: the error that `semilayer run` ends with. */
import { AppError } from '../errors.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import type { RunnerEvent } from '../runner/events.ts';

export type StoppedEvent = Extract<RunnerEvent, { type: 'stopped' }>;

/** The error, with what to do next; undefined for a runner that was told to stop. */
export function endingError(stopped: StoppedEvent, runnerId: string): AppError | undefined {
  const { code, reason, error } = stopped;
  if (error?.code === 'no_credential') {
    return new AppError('no_credential', { message: error.message, hint: error.hint });
  }
  switch (code) {
    case CLOSE.normal:
      return undefined;
    case CLOSE.unauthorized:
      return new AppError('token_refused', {
        message: reason,
        hint:
          error?.hint ??
          `make another and give it to this runner: semilayer runners rotate ${runnerId} (semilayer runners show ${runnerId} has the fingerprint of the one that is valid)`,
      });
    case CLOSE.wrongRunner:
      return new AppError('token_refused', {
        message: reason,
        hint: `check the runner ID (--id, SEMILAYER_RUNNER_ID): the token is not of ${runnerId}; semilayer runners list shows the IDs`,
      });
    case CLOSE.noCommonVersion:
      return new AppError('protocol_unsupported', {
        message: reason,
        hint: 'upgrade the older of the two: npm install --global semilayer@latest where the runner is, or the gateway',
      });
    case CLOSE.malformed:
      return new AppError('protocol_error', {
        message: reason,
        hint: 'is something in between changing the frames? semilayer doctor looks; otherwise upgrade the runner',
      });
    default:
      return new AppError('internal', { message: `the runner stopped: ${reason}` });
  }
}
