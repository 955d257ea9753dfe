/** The direction of imports, as CONTRIBUTING.md draws it. A leaf imports nothing of ours but the other leaves named. */
const LEAVES = '^src/(errors|version)\\.ts$|^src/platform/';
const allow = (room, rooms) => ({
  name: `${room}-imports-only-what-lies-below`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [LEAVES, `^src/${room}/`, ...rooms.map(r => `^src/${r}(/|\\.ts$)`)] },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'errors-is-a-leaf',
      severity: 'error',
      from: { path: '^src/errors\\.ts$' },
      to: { path: '^src/' },
    },
    allow('platform', []),
    allow('where', []),
    allow('aggregate', ['where']),
    allow('protocol', []),
    allow('bridges', ['where', 'aggregate']),
    allow('store', []),
    allow('runner', ['protocol', 'bridges', 'where', 'aggregate']),
    allow('gateway', ['protocol', 'store', 'where', 'aggregate']),
    allow('console', ['protocol/names']),
    {
      name: 'the-console-runs-in-a-browser',
      severity: 'error',
      from: { path: '^src/console/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-the-build-takes-up-the-console',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/console/' },
      to: { path: '^src/console/' },
    },
    allow('output', []),
    allow('config', []),
    allow('api', []),
    allow('commands', [
      'api',
      'config',
      'output',
      'runner',
      'gateway',
      'protocol',
      'bridges',
      'store',
      'cli/context',
    ]),
    allow('cli', ['commands', 'output', 'config']),
    {
      name: 'cli-context-is-a-port',
      severity: 'error',
      from: { path: '^src/cli/context\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/platform/', '^src/output/output\\.ts$'] },
    },
    {
      name: 'only-the-root-composes',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/main\\.ts$' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'src-never-imports-tests-or-development-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/', dependencyTypesNot: ['npm'] },
    },
    {
      // A development package that src imports is taken into the bundle; what tests and tools use must not be.
      name: 'no-tools-at-run-time',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: '^node_modules/(@biomejs|@lydell|@semilayer|esbuild|fast-check|knip|tsx|typescript)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-unlisted-packages-at-run-time',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
