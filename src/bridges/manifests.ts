/** What the built-in bridges say of themselves. */
import type { BridgeManifest } from './bridge.ts';
import { listBridges, resolveBridge } from './registry.ts';

/** Manifests of the bridges that need no installing, by package name. */
export async function bridgeManifests(): Promise<BridgeManifest[]> {
  const classes = await Promise.all(listBridges().map(name => resolveBridge(name)));
  return classes.flatMap(({ manifest }) => (manifest ? [manifest] : []));
}
