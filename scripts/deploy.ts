/** `npm run deploy:emit`: writes the manifests in deploy/ as the program prints them for the runner edge-1. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { composeManifest } from '../src/commands/emit/compose.ts';
import type { Deployment } from '../src/commands/emit/deployment.ts';
import { kubernetesManifest } from '../src/commands/emit/kubernetes.ts';
import { systemdManifest } from '../src/commands/emit/systemd.ts';

/** @returns the text of each file, by its path in the repository. */
export function deployFiles(version: string): Record<string, string> {
  const deployment: Deployment = {
    runnerId: 'edge-1',
    gatewayUrl: 'wss://runner.semilayer.com/connect',
    version,
    insecure: false,
    healthPort: 8080,
    gracePeriodMs: 25_000,
    concurrency: undefined,
    self: ['/usr/bin/node', '--', '/usr/lib/node_modules/semilayer/bin/semilayer.js'],
  };
  return {
    'deploy/compose.yaml': composeManifest(deployment),
    'deploy/kubernetes/runner.yaml': kubernetesManifest(deployment),
    'deploy/systemd/semilayer-edge-1.service': systemdManifest(deployment),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { version } = (await import('../package.json', { with: { type: 'json' } })).default;
  for (const [path, text] of Object.entries(deployFiles(version)))
    await writeFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
}
