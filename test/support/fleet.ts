/** A small fleet to look at: sources that work and one that does not, runners in every state, jobs of every ending. */
import { join } from 'node:path';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import type { Program } from './program.ts';

const ONLINE = ['edge-oslo', 'edge-turin', 'edge-turin'];

/** @param url of the gateway that the program is signed in to. */
export async function setUpFleet(program: Program, url: string): Promise<void> {
  const { cwd } = program;
  await writeSampleDatabase(join(cwd, 'shop.db'), { rows: 4_000 });
  await must(program, ['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], 'file:shop.db');
  await must(program, ['sources', 'add', 'crm', '--bridge', 'sqlite', '--url-stdin'], 'file:/srv/crm.db');
  await must(program, ['sources', 'add', 'warehouse', '--bridge', 'sqlite', '--runner-local']);
  const tokens = new Map<string, string>();
  for (const name of ['edge-oslo', 'edge-turin', 'staging', 'branch-graz', 'old-laptop']) {
    tokens.set(name, await must(program, ['runners', 'create', name]));
  }
  await must(program, ['runners', 'assign', 'edge-oslo', 'shop', 'warehouse']);
  await must(program, ['runners', 'assign', 'edge-turin', 'shop', 'crm']);
  await must(program, ['runners', 'assign', 'staging', 'shop']);
  await must(program, ['runners', 'revoke', 'old-laptop', '--yes']);
  for (const name of ONLINE) await connect(program, url, tokens.get(name) ?? '');
  const staging = await connect(program, url, tokens.get('staging') ?? '');
  staging.kill('SIGTERM');
  await staging.ended;
  await must(program, ['count', 'shop', 'orders']);
  await must(program, ['query', 'shop', 'orders', '--where', '{"status":"shipped"}', '--limit', '50']);
  await program.run(['query', 'shop', 'order', '--limit', '5']);
  await program.run(['query', 'crm', 'contacts', '--limit', '5']);
  await must(program, ['query', 'shop', 'customers', '--order-by', 'created_at:desc', '--limit', '20']);
  await must(program, ['runners', 'rotate', 'branch-graz', '--overlap', '10m', '--yes']);
}

/** A runner process with this env block; resolves once it is connected. */
export async function connect(program: Program, url: string, block: string): Promise<DemoProcess> {
  const variables = block
    .trim()
    .split('\n')
    .map(line => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
  const runner = program.start(['run'], {
    ...Object.fromEntries(variables),
    SEMILAYER_GATEWAY_URL: `${url.replace(/^http/, 'ws')}/connect`,
  });
  await runner.line(/connected, awaiting jobs/);
  return runner;
}

async function must(program: Program, args: string[], stdin = ''): Promise<string> {
  const { status, stdout, stderr } = await program.run(args, { stdin });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
