/** `run --emit docker`: one `docker run`. */
import { imageOf } from '../../version.ts';
import {
  type Deployment,
  environmentOf,
  runOptions,
  SECRETS,
  serviceName,
  stopSeconds,
  TOKEN_NAME,
  UID,
} from './deployment.ts';

export function dockerManifest(deployment: Deployment): string {
  const name = serviceName(deployment);
  const environment = environmentOf(deployment, `${SECRETS}/${TOKEN_NAME}`);
  const lines = [
    `docker run --detach --name ${name} --restart unless-stopped`,
    `--stop-timeout ${stopSeconds(deployment)} --read-only --cap-drop ALL --security-opt no-new-privileges`,
    `--mount type=bind,source="$PWD/${TOKEN_NAME}",target=${SECRETS}/${TOKEN_NAME},readonly`,
    ...environment.map(([variable, value]) => `--env ${shellWord(`${variable}=${value}`)}`),
    `${imageOf(deployment.version)} run ${runOptions(deployment).join(' ')}`,
  ];
  return `# The token goes into ./${TOKEN_NAME}, readable by uid ${UID}: semilayer runners rotate, or create.
# Credentials of a source: --env SEMILAYER_SOURCE_<NAME>_URL_FILE=${SECRETS}/<file>, with a mount of its own.
${lines.join(' \\\n  ')}
`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
