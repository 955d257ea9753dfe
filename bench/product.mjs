/** The product as its users run it: `semilayer gateway` and `semilayer run`, two processes of the built program. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BIN } from './program.mjs';

/** A gateway on a free port, and `ask`, which asks its API. */
export async function startGateway(processes, directory, nodeArgs = []) {
  const key = `sk_${randomBytes(24).toString('hex')}`;
  return await launch(processes, directory, key, '0', nodeArgs);
}

/** The same gateway again, after its process has ended: its directory, its port and its key. */
export async function restartGateway(processes, directory, { key, url }) {
  return await launch(processes, directory, key, new URL(url).port, []);
}

async function launch(processes, directory, key, port, nodeArgs) {
  const gateway = processes.start(
    [...nodeArgs, BIN, 'gateway', '--port', port, '--data-dir', join(directory, 'data')],
    { SEMILAYER_CONFIG_DIR: join(directory, 'config'), SEMILAYER_API_KEY: key },
  );
  const url = await gateway.line(/listening on (\S+)/);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const ask = async (route, body) => {
    const response = await fetch(url + route, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${route}: ${await response.text()}`);
    return await response.json();
  };
  return { process: gateway, url, headers, ask, key };
}

/**
 * A gateway with one source and one runner, named `bench`, that is connected.
 *
 * @param source `{bridge, config}` as the service API takes them.
 */
export async function startProduct(processes, directory, source, nodeArgs = {}) {
  const gateway = await startGateway(processes, directory, nodeArgs.gateway);
  await gateway.ask('/v1/sources', { name: 'bench', ...source });
  const runner = await startRunner(processes, directory, gateway, 'bench', nodeArgs.runner);
  return { gateway, runner, queryUrl: `${gateway.url}/v1/sources/bench/query` };
}

/** A runner of that name, assigned to the source `bench` and connected to the gateway. */
export async function startRunner(processes, directory, gateway, name, nodeArgs = []) {
  const { token } = await gateway.ask('/v1/runners', { name });
  await gateway.ask(`/v1/runners/${name}/sources`, { sources: ['bench'] });
  const runner = processes.start([...nodeArgs, BIN, 'run'], {
    SEMILAYER_CONFIG_DIR: join(directory, 'config'),
    SEMILAYER_RUNNER_ID: name,
    SEMILAYER_RUNNER_TOKEN: token,
    SEMILAYER_GATEWAY_URL: `${gateway.url.replace('http', 'ws')}/connect`,
  });
  await runner.line(/(connected, awaiting jobs)/);
  return runner;
}
