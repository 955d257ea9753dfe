/** `semilayer run --emit …`: a manifest filled in for this runner. The token is not read, so it cannot be printed. */
import type { Context } from '../../cli/context.ts';
import { readEnvFile } from '../../config/env-file.ts';
import { resolveGatewayUrl } from '../../config/resolve.ts';
import { AppError } from '../../errors.ts';
import { parseDuration } from '../../platform/duration.ts';
import { checkedGatewayUrl, integer, type RunFlags } from '../run-settings.ts';
import { composeManifest } from './compose.ts';
import type { Deployment } from './deployment.ts';
import { dockerManifest } from './docker.ts';
import { kubernetesManifest } from './kubernetes.ts';
import { systemdManifest } from './systemd.ts';

const MANIFESTS: Record<string, (deployment: Deployment) => string> = {
  docker: dockerManifest,
  compose: composeManifest,
  kubernetes: kubernetesManifest,
  systemd: systemdManifest,
};

const CHOICES: readonly string[] = Object.keys(MANIFESTS);

/** What every image listens on, unless told. */
const HEALTH_PORT = '8080';

/** @throws AppError `usage` without the ID of a runner. */
export async function emitManifest(kind: string, flags: RunFlags, ctx: Context): Promise<void> {
  const manifest = MANIFESTS[kind];
  if (!manifest) throw new AppError('usage', { message: `--emit must be one of ${CHOICES.join(', ')}` });
  const fromFile = flags.envFile === undefined ? {} : await readEnvFile(flags.envFile);
  const env: Record<string, string | undefined> = { ...ctx.env, ...fromFile };
  const runnerId = flags.id ?? env.SEMILAYER_RUNNER_ID ?? '';
  if (runnerId === '' || /\p{Cc}/u.test(runnerId)) {
    throw new AppError('usage', {
      message: 'no ID of a runner to fill in',
      hint: 'give --id, or set SEMILAYER_RUNNER_ID, or name its --env-file',
    });
  }
  const insecure = ctx.global.insecure || env.SEMILAYER_INSECURE === '1' || env.SEMILAYER_INSECURE === 'true';
  const gateway = await resolveGatewayUrl({ ...ctx, env }, flags.gatewayUrl);
  const port = flags.healthPort ?? env.SEMILAYER_HEALTH_PORT ?? '';
  const text = manifest({
    runnerId,
    gatewayUrl: checkedGatewayUrl(gateway.value, insecure),
    insecure,
    version: ctx.version,
    healthPort: integer(port === '' ? HEALTH_PORT : port, '--health-port', 1, 65_535),
    gracePeriodMs: parseDuration(flags.gracePeriod ?? '25s', '--grace-period'),
    concurrency:
      flags.concurrency === undefined ? undefined : integer(flags.concurrency, '--concurrency', 1, 1024),
    self: ctx.self,
  });
  ctx.output.data(text.trimEnd());
}
