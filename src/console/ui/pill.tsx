/** The state of something, as a coloured pill that also says it. */
import type { JobState, RunnerStatus } from '../service/records.ts';

const TONES: Record<RunnerStatus | JobState, string> = {
  online: 'good',
  draining: 'warn',
  offline: 'idle',
  'never connected': 'idle',
  revoked: 'bad',
  queued: 'idle',
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'warn',
};

export function Pill({ state }: { state: RunnerStatus | JobState }) {
  return <span class={`pill pill-${TONES[state] ?? 'idle'}`}>{labelOf(state)}</span>;
}

/** "Never connected". */
export function labelOf(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}
