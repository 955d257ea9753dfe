/** Reads a ledger from its first line to its last, and says where it is not as it was written. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { type LedgerEntry, type Position, readLine, START } from './chain.ts';
import { fileName, fileNumbers, readHead } from './ledger-files.ts';

export interface Verdict {
  files: number;
  lines: number;
  /** Where the ledger ends. */
  end: Position;
  /** Number of the first line: above 1 where earlier files are kept elsewhere. */
  first: number;
  /** What is wrong, in the order of the lines. Empty is a ledger that holds. */
  faults: string[];
  /** What is no fault, and worth knowing. */
  notes: string[];
}

/** More faults than this say nothing more. */
const MAX_FAULTS = 20;

/** @param expected a position that was kept elsewhere, which the ledger must still hold. */
export async function verifyLedger(directory: string, expected?: Position): Promise<Verdict> {
  // Before the lines: a runner that writes meanwhile only moves them beyond it.
  const head = await readHead(directory);
  const verdict: Verdict = { files: 0, lines: 0, end: START, first: 0, faults: [], notes: [] };
  const anchors = new Map(
    [head, expected].flatMap(one => (one && one.seq > 0 ? [[one.seq, one.hash] as const] : [])),
  );
  const fault = (text: string): void => {
    if (verdict.faults.length < MAX_FAULTS) verdict.faults.push(text);
  };
  const missing = new Map(anchors);
  for await (const { place, entry, unfinished } of ledgerLines(directory, () => verdict.files++)) {
    if (unfinished) {
      verdict.notes.push(`${place} is unfinished: a crash, or a runner that is writing it`);
      continue;
    }
    verdict.lines++;
    if (!entry) {
      fault(`${place} was changed`);
      // Nothing more can be said of how it follows: the chain is taken up again at the next line.
      verdict.end = { seq: verdict.end.seq + 1, hash: '' };
      continue;
    }
    follows(entry, verdict, place, fault);
    if (entry.type === 'broken')
      fault(`${place} records that lines were lost: expected ${entry.expected.slice(0, 24)}…`);
    if (entry.type === 'missed')
      verdict.notes.push(`${place} records that ${entry.lines} lines could not be written`);
    if (entry.type === 'recovered') verdict.notes.push(`${place} records a crash that cut a line short`);
    const anchor = anchors.get(entry.seq);
    if (anchor === entry.hash) missing.delete(entry.seq);
    verdict.end = { seq: entry.seq, hash: entry.hash };
  }
  for (const seq of missing.keys()) {
    fault(
      seq > verdict.end.seq
        ? `the ledger ends at line ${verdict.end.seq} and had line ${seq}: its end was cut off`
        : `line ${seq} is not the one that was there`,
    );
  }
  if (verdict.first > 1)
    verdict.notes.push(`begins at line ${verdict.first}: the files before it are not here`);
  return verdict;
}

function follows(entry: LedgerEntry, verdict: Verdict, place: string, fault: (text: string) => void): void {
  const { end } = verdict;
  if (verdict.lines === 1) {
    verdict.first = entry.seq;
    if (entry.seq === 1 && entry.prev !== START.hash) fault(`${place} does not begin the ledger`);
    return;
  }
  if (entry.seq !== end.seq + 1) {
    fault(
      `${place} is line ${entry.seq} of the ledger, after line ${end.seq}: lines were removed or reordered`,
    );
  } else if (end.hash !== '' && entry.prev !== end.hash) {
    fault(`${place} does not follow the line before it: lines were removed or reordered`);
  }
}

interface Line {
  /** `ledger-00000001.jsonl:12`. */
  place: string;
  /** Undefined for a line that is not as it was written. */
  entry: LedgerEntry | undefined;
  /** A last line without its end. */
  unfinished: boolean;
}

/** Every line of every file, in order. */
export async function* ledgerLines(directory: string, onFile: () => void = () => {}): AsyncGenerator<Line> {
  for (const number of await fileNumbers(directory)) {
    onFile();
    const path = fileName(directory, number);
    let at = 0;
    for await (const { text, ended } of linesOf(path)) {
      at++;
      yield {
        place: `${basename(path)}:${at}`,
        entry: ended ? readLine(text) : undefined,
        unfinished: !ended,
      };
    }
  }
}

async function* linesOf(path: string): AsyncGenerator<{ text: string; ended: boolean }> {
  const handle = await open(path, 'r');
  let rest = '';
  try {
    for await (const chunk of handle.createReadStream({ encoding: 'utf8', autoClose: false })) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const text of parts) yield { text, ended: true };
    }
  } finally {
    await handle.close();
  }
  if (rest !== '') yield { text: rest, ended: false };
}
