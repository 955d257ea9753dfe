/** Our runtime on a source that costs nothing: what is measured is the way there and back. */
import { builtModule } from '../program.mjs';

const { startRunner } = await builtModule('runner.js');

class Trivial {
  async connect() {}
  async disconnect() {}
  async query() {
    return { rows: [{ id: 1, name: 'one row' }] };
  }
}

const [gatewayUrl, runnerId] = process.argv.slice(2);
startRunner({
  gatewayUrl,
  runnerId,
  authToken: process.env.SEMILAYER_RUNNER_TOKEN,
  concurrency: 256,
  resolveBridge: () => Trivial,
  onConnected: () => console.log('connected'),
});
