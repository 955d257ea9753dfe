/** What long runs have done: figures of `npm run soak` and `npm run fuzz`, as they printed them. */

/** A run that ended with every history clean. */
export interface Soak {
  minutes: number;
  gatewayKills: number;
  runnerKills: number;
  /** Processes stopped with SIGSTOP, and links reset, cut or stalled. */
  stopped: number;
  linksCut: number;
  questions: number;
  /** Of the questions: answered whole, told that it is not whole or that there is nothing, cut with their gateway. */
  complete: number;
  failed: number;
  cut: number;
  /** Changes of records that were acknowledged, each there after every kill. */
  changes: number;
}

export interface Fuzz {
  side: 'gateway' | 'runner';
  messages: number;
  /** Questions asked beside, and their answers checked. */
  questions: number;
  heapMib: number;
}

/** With other work on it: what finds races needs no quiet. */
export const MACHINE = '2 cores, Node 20, Linux';

export const soaks: readonly Soak[] = [
  {
    minutes: 20,
    gatewayKills: 261,
    runnerKills: 3_412,
    stopped: 207,
    linksCut: 252,
    questions: 16_310,
    complete: 13_428,
    failed: 906,
    cut: 1_976,
    changes: 26_783,
  },
  {
    minutes: 30,
    gatewayKills: 305,
    runnerKills: 3_292,
    stopped: 235,
    linksCut: 282,
    questions: 12_124,
    complete: 8_734,
    failed: 1_078,
    cut: 2_312,
    changes: 19_711,
  },
  {
    minutes: 30,
    gatewayKills: 639,
    runnerKills: 13_038,
    stopped: 527,
    linksCut: 654,
    questions: 29_311,
    complete: 21_283,
    failed: 3_130,
    cut: 4_898,
    changes: 47_830,
  },
];

export const fuzzes: readonly Fuzz[] = [
  { side: 'gateway', messages: 10_000_000, questions: 28_110, heapMib: 29.6 },
  { side: 'runner', messages: 3_500_000, questions: 25_931, heapMib: 1.2 },
];
