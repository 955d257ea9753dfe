/** The runner processes of a soak, each behind a proxy of its own, and what befalls them. */
import type { TestContext } from 'node:test';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import { type ChildRunner, startRunners } from './runner-process.ts';
import type { Seeded } from './seeded.ts';
import { type TcpProxy, tcpProxy, type Way } from './tcp-proxy.ts';
import type { TappedMessage } from './websocket-tap.ts';

type Identity = Pick<ChildRunner, 'runnerId' | 'authToken'>;
type Point = (way: Way, message: TappedMessage) => boolean;

interface Member {
  runners: readonly Identity[];
  proxy: TcpProxy;
  process: DemoProcess;
  /** Armed: the process dies when a message of that kind passes. */
  point: Point | undefined;
  stopped: boolean;
}

/** Points of a job's life at which a process can be killed. */
const POINTS: readonly Point[] = [
  (way, { type }) => way === 'down' && type === 'job',
  (way, { rows }) => way === 'up' && rows > 0,
  (way, { type }) => way === 'up' && type === 'done',
  (way, { type }) => way === 'down' && type === 'credit',
  (way, { type }) => way === 'up' && type === 'hello',
];
/** A point that is not reached by then is not waited for. */
const ARMED_MS = 400;

export class SoakRunners {
  readonly counts = { processesKilled: 0, runnersKilled: 0, processesStopped: 0, linksCut: 0 };
  readonly #t: Pick<TestContext, 'after'>;
  readonly #random: Seeded;
  readonly #gatewayPort: number;
  readonly #members: Member[] = [];
  #failure: Error | undefined;

  constructor(t: Pick<TestContext, 'after'>, random: Seeded, gatewayPort: number) {
    this.#t = t;
    this.#random = random;
    this.#gatewayPort = gatewayPort;
  }

  async add(runners: readonly Identity[]): Promise<void> {
    const proxy = await tcpProxy(this.#t, this.#gatewayPort, {
      passEnds: true,
      onMessage: (way, message) => {
        if (!member.point?.(way, message)) return undefined;
        member.point = undefined;
        return this.#random.below(2) === 0 ? this.#die(member, 'drop') : this.#die(member, 'last');
      },
    });
    const member: Member = {
      runners,
      proxy,
      process: undefined as unknown as DemoProcess,
      point: undefined,
      stopped: false,
    };
    this.#members.push(member);
    this.#begin(member);
    await member.process.line(/^connected /, runners.length);
  }

  /** One of the things that can befall a process, or its link. */
  async misfortune(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const free = this.#members.filter(({ stopped, point }) => !stopped && !point);
    if (free.length === 0) return await pause(10);
    const member = this.#random.pick(free);
    const chance = this.#random.below(100);
    if (chance < 50) this.#arm(member, this.#random.pick(POINTS));
    else if (chance < 75) this.#die(member, undefined);
    else if (chance < 85) this.#stop(member, this.#random.below(2_000));
    else if (chance < 86) this.#stop(member, 14_000);
    else await this.#cutLink(member);
  }

  /** Everything goes on, everyone is connected. */
  async settle(): Promise<void> {
    while (this.#members.some(({ stopped, point }) => stopped || point)) await pause(50);
    if (this.#failure) throw this.#failure;
    for (const member of this.#members) {
      member.proxy.heal();
      this.#die(member, undefined);
      await member.process.line(/^connected /, member.runners.length);
    }
  }

  #arm(member: Member, point: Point): void {
    member.point = point;
    setTimeout(() => {
      if (member.point === point) member.point = undefined;
    }, ARMED_MS);
  }

  /** SIGKILL, and another in its place at once. */
  #die(member: Member, fate: 'drop' | 'last' | undefined): 'drop' | 'last' | undefined {
    member.process.kill('SIGKILL');
    this.counts.processesKilled++;
    this.counts.runnersKilled += member.runners.length;
    this.#begin(member);
    return fate;
  }

  #stop(member: Member, durationMs: number): void {
    member.stopped = true;
    this.counts.processesStopped++;
    const { process } = member;
    process.kill('SIGSTOP');
    setTimeout(() => {
      process.kill('SIGCONT');
      member.stopped = false;
    }, durationMs);
  }

  async #cutLink({ proxy }: Member): Promise<void> {
    this.counts.linksCut++;
    const way = this.#random.pick(['reset', 'cut', 'stall'] as const);
    proxy[way]();
    if (way === 'reset') return;
    setTimeout(() => proxy.heal(), this.#random.below(500));
  }

  #begin(member: Member): void {
    const gatewayUrl = `ws://127.0.0.1:${member.proxy.port}/connect`;
    const process = startRunners(
      this.#t,
      member.runners.map(one => ({ ...one, gatewayUrl })),
    );
    member.process = process;
    void process.ended.then(({ status }) => {
      // Killed by a signal it has none; one of its own means that it crashed.
      if (status !== null) this.#failure ??= new Error(`a runner ended with ${status}: ${process.stderr}`);
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
