/** Stands in for the package that `@semilayer/runner-cli` imports: the same runtime, ours. */
export * from '../../../dist/runner.js';
