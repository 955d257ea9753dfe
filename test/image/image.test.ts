/** The image without a container engine: its build steps in clean directories as another user, its program as process 1. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openScriptedGateway } from '../support/scripted-gateway.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = `rk_${'0'.repeat(49)}`;
const UID = 1000;
const exec = promisify(execFile);
const isRoot = process.getuid?.() === 0;
/** As the uid of the image; as we are where that takes rights we lack. */
const asUser = isRoot ? ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'] : [];
/** Process 1 of a namespace of its own, with its own /proc. */
const asInit = [
  'unshare',
  ...(isRoot ? [] : ['--user', '--map-current-user']),
  ...['--pid', '--fork', '--kill-child', '--mount', '--mount-proc'],
];
const canInit = spawnSync(asInit[0] as string, [...asInit.slice(1), 'true']).status === 0;

interface Stage {
  name: string;
  lines: string[];
}

let home = '';
let image: { entrypoint: string[]; cmd: string[]; env: Record<string, string>; health: string[] };

before(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'semilayer-image-')));
  await chmod(home, 0o755);
  const stages = stagesOf(await readFile(join(ROOT, 'deploy/Dockerfile'), 'utf8'));
  for (const stage of stages.slice(0, -1)) await buildStage(stage);
  const final = stages.at(-1)!;
  await copyAll(final, join(home, 'final'));
  image = readFinal(final);
  await exec('chmod', ['-R', 'a-w', join(home, 'final')]);
});
after(async () => {
  await exec('chmod', ['-R', 'u+w', home]);
  await rm(home, { recursive: true, force: true });
});

test('the last stage holds what runs, and nothing it was built with', async () => {
  const modules = await readdir(join(home, 'final/app/node_modules'));
  assert.ok(modules.includes('semilayer') && modules.includes('libsql'));
  assert.deepEqual(
    modules.filter(name => /^(typescript|esbuild|playwright|tsx|knip)/.test(name)),
    [],
  );
  assert.deepEqual(await readdir(join(home, 'final/app')), ['node_modules']);
});

test('arguments pass through, with a tree that cannot be written to and no home', async () => {
  const version = await start(['--version']).ended;
  assert.deepEqual([version.status, version.stdout.trim()], [0, image.env.version]);
  const doctor = await start(['doctor', '--json']).ended;
  assert.equal(doctor.status, 1);
  assert.ok(
    Array.isArray((JSON.parse(doctor.stdout) as { checks?: unknown[] }).checks ?? JSON.parse(doctor.stdout)),
  );
  const bare = await start([]).ended;
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /no runner ID/);
});

test('with the environment of the contract alone it runs as process 1, is healthy, and leaves when it is told', async t => {
  if (!canInit) return console.log('NOT RUN: process 1, for which this machine gives no namespaces');
  const gateway = await openScriptedGateway(t);
  const port = 20_000 + (process.pid % 20_000);
  const settings = {
    SEMILAYER_RUNNER_ID: 'edge-1',
    SEMILAYER_RUNNER_TOKEN: TOKEN,
    SEMILAYER_GATEWAY_URL: gateway.url,
    SEMILAYER_HEALTH_PORT: String(port),
  };
  const run = start([], settings, asInit);
  t.after(() => run.child.kill('SIGKILL'));
  const early = await start(image.health.slice(image.entrypoint.length), settings).ended;
  assert.equal(early.status, 1, 'no connection yet');
  const session = await gateway.greeted();
  await run.said(/connected, awaiting jobs/);
  const healthy = await start(image.health.slice(image.entrypoint.length), settings).ended;
  assert.deepEqual([healthy.status, healthy.stdout], [0, '']);
  const init = await processOne(run.child.pid as number);
  assert.deepEqual(init.namespacePid, 1);
  assert.ok(!init.commandLine.includes(TOKEN));
  if (isRoot) assert.equal(init.uid, UID);
  // An orchestrator stops it with the image's signal, and waits.
  process.kill(init.pid, 'SIGTERM');
  await session.closed;
  assert.equal((await run.ended).status, 0);
});

test('process 1 with a job that hangs: the grace period ends it, a second signal at once', async t => {
  if (!canInit) return console.log('NOT RUN: process 1, for which this machine gives no namespaces');
  for (const [signals, status] of [
    [1, 124],
    [2, 143],
  ] as const) {
    const gateway = await openScriptedGateway(t);
    const settings = {
      SEMILAYER_RUNNER_ID: 'edge-1',
      SEMILAYER_RUNNER_TOKEN: TOKEN,
      SEMILAYER_GATEWAY_URL: gateway.url,
      SEMILAYER_HEALTH_PORT: '',
      SEMILAYER_SOURCE_SLOW_URL: `file:${join(home, 'slow.db')}`,
    };
    await exec(process.execPath, ['--import', 'tsx', '-e', sampleScript(join(home, 'slow.db'))], {
      cwd: ROOT,
    });
    const grace = signals === 1 ? '300ms' : '1h';
    const run = start(['run', '--grace-period', grace], settings, asInit);
    t.after(() => run.child.kill('SIGKILL'));
    const source = {
      id: 's',
      name: 'slow',
      bridge: '@semilayer/bridge-sqlite',
      credentialsLocation: 'runner-local',
    };
    const session = await gateway.greeted([source], { features: { credit: { windowBytes: 1 } } });
    const job = { kind: 'query', target: 'orders', options: {} };
    session.send({ type: 'job', id: 'hang', params: { source, job }, deadlineMs: 60_000 });
    await session.next('chunk');
    const { pid } = await processOne(run.child.pid as number);
    process.kill(pid, 'SIGTERM');
    await run.said(/draining/);
    if (signals === 2) process.kill(pid, 'SIGTERM');
    assert.equal((await session.ending('hang')).code, 'CANCELLED');
    assert.equal((await run.ended).status, status);
    await rm(join(home, 'slow.db'), { force: true });
  }
});

/** The program as the image starts it: its entry point, its environment, nothing else. */
function start(args: string[], settings: Record<string, string> = {}, wrapper: string[] = []) {
  const { version: _version, ...env } = image.env;
  const command = [...wrapper, ...asUser, ...image.entrypoint, ...(args.length > 0 ? args : image.cmd)];
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: join(home, 'final/app'),
    env: { PATH: process.env.PATH, ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers: (() => void)[] = [];
  child.stdout.on('data', chunk => {
    stdout += chunk;
    for (const watch of watchers) watch();
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>(resolve =>
    child.on('close', status => resolve({ status, stdout, stderr })),
  );
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const watch = () => pattern.test(stdout) && resolve();
      watchers.push(watch);
      watch();
      void ended.then(() => reject(new Error(`ended without ${pattern}: ${stdout}${stderr}`)));
    });
  return { child: child as ChildProcess, ended, said };
}

/** What the kernel says of the process that is 1 in the namespace below this one. */
async function processOne(parent: number) {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8');
  const pid = Number(children.trim().split(' ')[0]);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    pid,
    namespacePid: Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]),
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
    commandLine: await readFile(`/proc/${pid}/cmdline`, 'utf8'),
  };
}

function sampleScript(file: string): string {
  const module = join(ROOT, 'src/bridges/sample-data.ts');
  return `import(${JSON.stringify(module)}).then(m => m.writeSampleDatabase(${JSON.stringify(file)}, { rows: 2000 }))`;
}

/** Instructions by stage, continued lines joined, comments left out. */
function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter(line => line.trim() !== '');
  for (const line of lines) {
    const from = /^FROM \S+(?: AS (\S+))?$/.exec(line);
    if (from) stages.push({ name: from[1] ?? 'final', lines: [] });
    else stages.at(-1)!.lines.push(line);
  }
  return stages;
}

/** RUN lines as they stand, with the directories of the image under one of ours, as the user without rights. */
async function buildStage(stage: Stage): Promise<void> {
  const root = join(home, stage.name);
  let workdir = '/';
  for (const line of stage.lines) {
    const [, word, rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'WORKDIR') {
      workdir = rest;
      await mkdir(join(root, workdir), { recursive: true });
    } else if (word === 'COPY') await copy(rest, root, workdir);
    else if (word === 'RUN') {
      await own(root);
      const command = rest.replaceAll(` ${workdir}`, ` ${join(root, workdir)}`);
      const user = [...asUser, 'sh', '-ec', command];
      const env = { PATH: process.env.PATH, HOME: join(home, 'user'), npm_config_cache: join(home, 'cache') };
      for (const path of ['user', 'cache'])
        await mkdir(join(home, path), { recursive: true }).then(() => own(join(home, path)));
      await exec(user[0] as string, user.slice(1), {
        cwd: join(root, workdir),
        env: registryOf(env),
        maxBuffer: 1e8,
      });
    }
  }
}

/** Where packages come from is the machine's business, as it would be the builder's. */
function registryOf(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|userconfig)$/i.test(name),
  );
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry'], { cwd: tmpdir(), encoding: 'utf8' });
  return {
    ...env,
    npm_config_registry: stdout.trim(),
    ...Object.fromEntries(own.filter(([name]) => /registry/i.test(name))),
  };
}

async function copyAll(stage: Stage, root: string): Promise<void> {
  for (const line of stage.lines) if (line.startsWith('COPY ')) await copy(line.slice(5), root, '/app');
}

async function copy(rest: string, root: string, workdir: string): Promise<void> {
  const words = rest.split(/\s+/);
  const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length);
  const [target = '', ...sources] = words.filter(word => !word.startsWith('--')).reverse();
  const to = join(root, target.startsWith('/') ? target : join(workdir, target));
  for (const source of sources) {
    if (from) {
      const base = join(home, from);
      const names = source.includes('*')
        ? (await readdir(dirname(join(base, source)))).filter(name => /^semilayer-.*\.tgz$/.test(name))
        : [''];
      for (const name of names) {
        const path = name === '' ? join(base, source) : join(dirname(join(base, source)), name);
        await cp(path, name === '' ? to : join(to, name), { recursive: true, verbatimSymlinks: true });
      }
    } else
      for (const path of await context(source))
        await cp(join(ROOT, path), place(to, source, path, target), { recursive: true });
  }
}

function place(to: string, source: string, path: string, target: string): string {
  if (source === '.') return join(to, path);
  return target.endsWith('/') ? join(to, path) : to;
}

/** What the ignore file lets into the build. */
async function context(source: string): Promise<string[]> {
  const text = await readFile(join(ROOT, 'deploy/Dockerfile.dockerignore'), 'utf8');
  const kept = text
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1));
  if (source === '.') return kept;
  assert.ok(
    kept.some(path => relative(path, source) === '' || !relative(path, source).startsWith('..')),
    source,
  );
  return [source];
}

async function own(path: string): Promise<void> {
  if (isRoot) await exec('chown', ['-R', `${UID}:${UID}`, path]);
}

function readFinal(stage: Stage): typeof image {
  const json = (line: string | undefined): string[] =>
    JSON.parse((line ?? '').replace(/^[^[]*/, '')) as string[];
  const at = (word: string) => stage.lines.find(line => line.startsWith(`${word} `));
  const here = (one: string) =>
    one === 'node' ? process.execPath : one.replace(/^\/app/, join(home, 'final/app'));
  const env = Object.fromEntries(
    (at('ENV') ?? '')
      .slice(4)
      .trim()
      .split(/\s+/)
      .map(pair => pair.split('=') as [string, string]),
  );
  const version = /image\.version="([^"]+)"/.exec(at('LABEL') ?? '')?.[1] ?? '';
  return {
    entrypoint: json(at('ENTRYPOINT')).map(here),
    cmd: json(at('CMD')),
    health: json(at('HEALTHCHECK')).map(here),
    env: { ...env, SEMILAYER_CONFIG_DIR: here(env.SEMILAYER_CONFIG_DIR ?? ''), version },
  };
}
