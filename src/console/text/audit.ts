/** Audit entries as sentences: "ops · rotated the token of · edge-1 · old token valid for 10 min more". */
import type { AuditEntry } from '../service/records.ts';
import { durationText } from './time.ts';

const VERBS: Record<string, string> = {
  'runner.create': 'created runner',
  'runner.rename': 'renamed runner',
  'runner.rotate': 'rotated the token of',
  'runner.revoke': 'revoked runner',
  'runner.delete': 'deleted runner',
  'runner.sources': 'changed the sources of',
  'source.create': 'added source',
  'source.update': 'changed source',
  'source.remove': 'removed source',
  'key.create': 'created API key',
  'key.revoke': 'revoked API key',
};

export function verbOf({ action, subject }: AuditEntry): string {
  return VERBS[action] ?? `${action.replaceAll('.', ' ')} (${subject.type})`;
}

/** What else the entry tells, one clause each. */
export function detailsOf({ action, detail }: AuditEntry): string[] {
  const { from, to, fingerprint, overlapMs, changed, bridge, credentialsLocation, role, force } = detail;
  if (action === 'runner.rename') return [`was ${from}`];
  if (action === 'runner.sources') return assignmentChange(namesOf(from), namesOf(to));
  if (action === 'source.update') return [`${namesOf(changed).join(', ')} changed`];
  if (action === 'runner.rotate') {
    const overlap =
      typeof overlapMs === 'number' && overlapMs > 0
        ? `the old token stayed valid for ${durationText(overlapMs)}`
        : 'the old token ended at once';
    return [`now ${fingerprint}`, overlap];
  }
  return [fingerprint, role, bridge, credentialsLocation, force === true ? 'although assigned' : undefined]
    .filter(part => part !== undefined)
    .map(String);
}

function assignmentChange(before: string[], after: string[]): string[] {
  const added = after.filter(name => !before.includes(name));
  const removed = before.filter(name => !after.includes(name));
  return [
    ...(added.length > 0 ? [`assigned ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`unassigned ${removed.join(', ')}`] : []),
  ];
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
