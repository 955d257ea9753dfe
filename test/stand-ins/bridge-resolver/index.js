/** Stands in for the package that `@semilayer/runner-cli` imports: our registry of bridges. */
export { listBridges, resolveBridge } from '../../../dist/runner.js';
