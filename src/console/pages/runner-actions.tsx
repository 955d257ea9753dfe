/** Rename, rotate, revoke, delete: each says what follows before it is done. */
import { useState } from 'preact/hooks';
import { nameProblem } from '../../protocol/names.ts';
import { keepRunner, runnerRemoved } from '../live/fleet.ts';
import { inFlight } from '../live/jobs.ts';
import { go, goInstead, hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { Problem } from '../service/problem.ts';
import type { Runner, RunnerWithToken } from '../service/records.ts';
import { gatewayFacts } from '../service/session.ts';
import type { NewRunner } from '../text/env-block.ts';
import { durationText, parseDuration } from '../text/time.ts';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { EnvBlock } from '../ui/secret.tsx';
import { Name } from '../ui/text.tsx';
import { useOnce } from '../ui/use-once.ts';

const MIN_OVERLAP_MS = 1_000;
const MAX_OVERLAP_MS = 604_800_000;

export function RunnerActions({ runner }: { runner: Runner }) {
  const [asking, setAsking] = useState<'rename' | 'rotate' | 'revoke' | 'delete'>();
  const [rotated, setRotated] = useOnce<NewRunner>();
  const close = (): void => setAsking(undefined);
  return (
    <>
      <button type="button" class="button" onClick={() => setAsking('rename')}>
        Rename
      </button>
      {runner.status !== 'revoked' && (
        <>
          <button type="button" class="button" onClick={() => setAsking('rotate')}>
            Rotate token
          </button>
          <button type="button" class="button" onClick={() => setAsking('revoke')}>
            Revoke
          </button>
        </>
      )}
      <button type="button" class="button button-danger-quiet" onClick={() => setAsking('delete')}>
        Delete
      </button>
      {asking === 'rename' && <Rename runner={runner} onClose={close} />}
      {asking === 'rotate' && (
        <Rotate
          runner={runner}
          onClose={close}
          onRotated={made => {
            close();
            setRotated(made);
          }}
        />
      )}
      {asking === 'revoke' && <Revoke runner={runner} onClose={close} />}
      {asking === 'delete' && <Delete runner={runner} onClose={close} />}
      {rotated !== undefined && (
        <Dialog title="The new token" onClose={() => setRotated(undefined)}>
          <div class="dialog-body">
            <EnvBlock runner={rotated} />
            <p class="muted">Put it where the old one was, and start the runner again.</p>
          </div>
          <div class="dialog-foot">
            <button type="button" class="button button-primary" onClick={() => setRotated(undefined)}>
              I have saved it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface AskingProps {
  runner: Runner;
  onClose: () => void;
}

function Rename({ runner, onClose }: AskingProps) {
  const [name, setName] = useState(runner.name);
  const problem = nameProblem(name);
  const rename = async (): Promise<void> => {
    keepRunner(await ask<Runner>(`/v1/runners/${runner.id}`, { method: 'PATCH', body: { name } }));
    goInstead(hrefOf('runners', name));
  };
  return (
    <Confirm
      title={`Rename ${runner.name}`}
      act="Rename"
      ready={problem === undefined && name !== runner.name}
      onAct={rename}
      onClose={onClose}
    >
      <TextField label="New name" required value={name} onValue={setName} error={problem} />
      <p class="muted">
        Its ID, its token, its sessions and its sources stay. A process or a script that names it{' '}
        <Name>{runner.name}</Name> needs the new name at its next start; those that use the ID do not.
      </p>
    </Confirm>
  );
}

function Rotate({ runner, onClose, onRotated }: AskingProps & { onRotated: (made: NewRunner) => void }) {
  const [how, setHow] = useState<'now' | 'overlap'>('now');
  const [overlap, setOverlap] = useState('10m');
  const overlapMs = parseDuration(overlap);
  const wrong = overlapMs === undefined || overlapMs < MIN_OVERLAP_MS || overlapMs > MAX_OVERLAP_MS;
  const rotate = async (): Promise<void> => {
    if (how === 'overlap' && wrong) {
      throw new Problem('Give the overlap as 10m, 1h30m or 7d: from 1s to 7d.', { status: 0, code: 'usage' });
    }
    const { token, ...record } = await ask<RunnerWithToken>(`/v1/runners/${runner.id}/rotate`, {
      method: 'POST',
      body: { overlapMs: how === 'now' ? 0 : overlapMs },
    });
    keepRunner(record);
    onRotated({ id: record.id, name: record.name, token, ...gatewayFacts() });
  };
  return (
    <Confirm title={`Rotate the token of ${runner.name}`} act="Rotate token" onAct={rotate} onClose={onClose}>
      <fieldset class="choices">
        <legend>When does the old token end?</legend>
        <label class="choice">
          <input type="radio" name="how" checked={how === 'now'} onChange={() => setHow('now')} />
          <span>
            <strong>At once</strong>
            <span class="muted">For a token that leaked. {consequences(runner)}</span>
          </span>
        </label>
        <label class="choice">
          <input type="radio" name="how" checked={how === 'overlap'} onChange={() => setHow('overlap')} />
          <span>
            <strong>After an overlap</strong>
            <span class="muted">
              Both tokens work meanwhile, so that each process can be given the new one without a gap.
              Sessions that still use the old token then end.
            </span>
          </span>
        </label>
      </fieldset>
      {how === 'overlap' && (
        <TextField
          label="Overlap"
          value={overlap}
          onValue={setOverlap}
          hint="1s to 7d, for example 10m or 1h30m"
          error={wrong ? 'Not a duration from 1s to 7d.' : undefined}
        />
      )}
      {how === 'overlap' && !wrong && runner.previousFingerprint !== null && (
        <p class="muted">An older token is still in its overlap; it ends now. At most two are valid.</p>
      )}
      {how === 'overlap' && !wrong && (
        <p class="muted">The old token stays valid for {durationText(overlapMs)}.</p>
      )}
    </Confirm>
  );
}

function Revoke({ runner, onClose }: AskingProps) {
  const revoke = async (): Promise<void> => {
    keepRunner(await ask<Runner>(`/v1/runners/${runner.id}/revoke`, { method: 'POST', body: {} }));
    onClose();
  };
  return (
    <Confirm danger title={`Revoke ${runner.name}`} act="Revoke" onAct={revoke} onClose={onClose}>
      <p>{consequences(runner)}</p>
      <p>
        It gets no other token: a revoked runner cannot be rotated back. Its record, its name and its history
        stay.
      </p>
    </Confirm>
  );
}

function Delete({ runner, onClose }: AskingProps) {
  const remove = async (): Promise<void> => {
    await ask(`/v1/runners/${runner.id}`, { method: 'DELETE' });
    go('#/runners');
    runnerRemoved(runner.id);
  };
  return (
    <Confirm
      danger
      title={`Delete ${runner.name}`}
      act="Delete for good"
      typed={runner.name}
      onAct={remove}
      onClose={onClose}
    >
      <p>{consequences(runner)}</p>
      <p>
        The record and its assignments{runner.sources.length > 0 && ` (${runner.sources.join(', ')})`} go. The
        name <Name>{runner.name}</Name> is free again. The audit log keeps what was done.
      </p>
    </Confirm>
  );
}

function consequences(runner: Runner): string {
  const sessions = runner.sessions.length;
  const flying = inFlight.peek().get(runner.id) ?? 0;
  if (sessions === 0) return 'Nothing is connected with it now.';
  const ended = sessions === 1 ? 'Its session ends at once' : `Its ${sessions} sessions end at once`;
  if (flying === 0) return `${ended}; no job is in flight.`;
  return `${ended}, and ${flying} ${flying === 1 ? 'job' : 'jobs'} in flight with it: callers get runner_failed.`;
}
