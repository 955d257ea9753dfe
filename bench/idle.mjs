/**
 * Connected runners that have nothing to do: what holding them costs the gateway, beside a bare WebSocket server with as
 * many connections and the same heartbeats, without and with the pings that tell a dead link from a quiet one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processorMs, residentMb, rounded, spreadOf } from './figures.ts';
import { startGateway } from './product.mjs';
import { connectRaw, createRecords } from './raw-fleet.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const HEARTBEAT_S = 25;
const SAMPLE_MS = 1_000;
/** What the clients' timers may be off before it is not the same work any more. */
const HEARTBEAT_TOLERANCE = 0.2;
const TARGET_RUNNERS = 10_000;
const TARGET_MB = 180;
const TARGET_CORE = 10;
const SERVER = fileURLToPath(new URL('peers/bare-server.mjs', import.meta.url));
const COLUMNS = [
  { key: 'before', title: 'MB before' },
  { key: 'resident', title: 'MB', better: 'less' },
  { key: 'each', title: 'kB each', digits: 1 },
  { key: 'core', title: '% of a core', digits: 2 },
  { key: 'heartbeats', title: 'heartbeats/s' },
  { key: 'pings', title: 'pings/s' },
  { key: 'connects', title: 'connects/s' },
];

const report = new Report('idle', {
  runners: ['1000,5000,10000', '200'],
  window: [60, 5],
  settle: [15, 2],
  workers: [2, 1],
});
const { runners: counts, window: windowS, settle: settleS, workers } = report.settings;

for (const count of counts.split(',').map(Number)) {
  const bare = await measure(count, 'bare ws server, heartbeats', 'floor', startBare([]));
  const pinging = await measure(count, 'bare ws server, heartbeats and pings', 'floor', startBare(['pings']));
  const ours = await measure(count, 'semilayer gateway', 'ours', startOurs);
  const pingUs = ((pinging.values.core - bare.values.core) / pinging.values.pings) * 10_000;
  const beatUs = (bare.values.core / bare.values.heartbeats) * 10_000;
  report.add({
    name: `runners-${count}`,
    title: `${count.toLocaleString('en')} runners`,
    columns: COLUMNS,
    rows: [bare, pinging, ours],
    note: `On the bare server a heartbeat costs ${rounded(beatUs)} µs of a processor, a ping and its answer ${rounded(pingUs)} µs.`,
  });
  if (count === TARGET_RUNNERS) judge(ours.values);
}
report.finish();

function judge({ resident, core }) {
  const who = `${TARGET_RUNNERS.toLocaleString('en')} runners`;
  const mb = resident.median;
  report.target(`${who}: resident`, `under ${TARGET_MB} MB`, `${rounded(mb)} MB`, mb < TARGET_MB);
  report.target(
    `${who}: processor`,
    `under ${TARGET_CORE} % of a core`,
    `${rounded(core, 1)} %`,
    core < TARGET_CORE,
  );
}

/** One side alone, so that its clients' work falls on nobody else's figures. */
async function measure(count, label, side, start) {
  return await onStage(async ({ processes, directory }) => {
    const { pid, url, runners } = await start(processes, directory, count);
    const before = residentMb(pid)?.now ?? null;
    const clients = await connectRaw(processes, url, runners, workers);
    await delay(settleS * 1000);
    const first = await clients.seen();
    const [began, used] = [performance.now(), processorMs(pid)];
    const samples = [];
    while (performance.now() - began < windowS * 1000) {
      await delay(SAMPLE_MS);
      samples.push(residentMb(pid)?.now ?? Number.NaN);
    }
    const elapsedMs = performance.now() - began;
    const core = ((processorMs(pid) - used) / elapsedMs) * 100;
    const last = await clients.seen();
    const perSecond = key => (last[key] - first[key]) / (elapsedMs / 1000);
    mustHaveHeld(label, last, perSecond('heartbeats'), count);
    const resident = spreadOf(samples);
    process.stderr.write(`${count} runners, ${label}: done\n`);
    return {
      label,
      side,
      values: {
        before,
        resident,
        each: before === null ? null : ((resident.median - before) * 1_024) / count,
        core,
        heartbeats: perSecond('heartbeats'),
        pings: perSecond('pings'),
        connects: count / (clients.connectMs / 1000),
      },
    };
  });
}

function mustHaveHeld(label, { open, closed }, heartbeats, count) {
  if (open !== count || closed > 0) throw new Error(`${label}: ${open} of ${count} were still connected`);
  const off = Math.abs(heartbeats / (count / HEARTBEAT_S) - 1);
  if (off > HEARTBEAT_TOLERANCE) throw new Error(`${label}: ${heartbeats.toFixed(1)} heartbeats a second`);
}

function startBare(args) {
  return async (processes, _directory, count) => {
    const server = processes.start([SERVER, ...args]);
    const url = `ws://127.0.0.1:${await server.line(/^(\d+)$/)}`;
    return {
      pid: server.pid,
      url,
      runners: Array.from({ length: count }, (_, at) => ({ id: `idle-${at}`, token: 'none' })),
    };
  };
}

async function startOurs(processes, directory, count) {
  const gateway = await startGateway(processes, directory);
  const runners = await createRecords(gateway, count, 'idle');
  return { pid: gateway.process.pid, url: `${gateway.url.replace('http', 'ws')}/connect`, runners };
}
