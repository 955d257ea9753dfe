/** `run --emit compose`: a compose file. */
import { imageOf } from '../../version.ts';
import {
  type Deployment,
  environmentOf,
  quoted,
  runOptions,
  SECRETS,
  serviceName,
  stopSeconds,
  TOKEN_NAME,
  UID,
} from './deployment.ts';

export function composeManifest(deployment: Deployment): string {
  const command = ['run', ...runOptions(deployment)].map(quoted).join(', ');
  const environment = environmentOf(deployment, `${SECRETS}/${TOKEN_NAME}`);
  return `# The token goes into ./${TOKEN_NAME}, readable by uid ${UID}: semilayer runners rotate, or create.
# Another replica: docker compose up --detach --scale runner=2
name: ${serviceName(deployment)}
services:
  runner:
    image: ${imageOf(deployment.version)}
    command: [${command}]
    environment:
${environment.map(([name, value]) => `      ${name}: ${quoted(value.replaceAll('$', '$$$$'))}`).join('\n')}
      # Credentials of a runner-local source, from a secret of its own:
      # SEMILAYER_SOURCE_<NAME>_URL_FILE: ${SECRETS}/<secret>
    secrets: [${TOKEN_NAME}]
    restart: unless-stopped
    # Longer than --grace-period: jobs under way end by themselves.
    stop_grace_period: ${stopSeconds(deployment)}s
    stop_signal: SIGTERM
    user: "${UID}:${UID}"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    mem_limit: 256m
secrets:
  ${TOKEN_NAME}:
    file: ./${TOKEN_NAME}
`;
}
