/** `semilayer`: the public types. Importing it runs nothing; the runtime is `semilayer/runner`. */

export type * from './bridges/bridge.ts';
export type * from './protocol/features.ts';
export type * from './protocol/frames.ts';
export type {
  JobIdentity,
  RunnerEvent,
  RunnerHandle,
  RunnerStatus,
  StartRunnerOptions,
  Stopped,
} from './runner/index.ts';
