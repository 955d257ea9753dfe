/** Whether a stream gets colour: `--color` and `--no-color` first, then the conventions of the environment. */
import { Chalk, type ChalkInstance, type ColorSupportLevel } from 'chalk';

export type { ChalkInstance as Chalk };

type Environment = Record<string, string | undefined>;

/** A painter for the stream; one that paints nothing where colour is not wanted. */
export function colourOf(
  stream: { isTTY?: boolean },
  env: Environment,
  colorFlag: boolean | undefined,
): ChalkInstance {
  return new Chalk({ level: levelOf(stream, env, colorFlag) });
}

/** 0 is none, 1 the sixteen basic colours, 2 is 256, 3 true colour. */
export function levelOf(
  stream: { isTTY?: boolean },
  env: Environment,
  colorFlag: boolean | undefined,
): ColorSupportLevel {
  if (colorFlag === false) return 0;
  const capable = capabilityOf(env);
  if (colorFlag === true) return capable;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) {
    if (forced === '0' || forced === 'false') return 0;
    return forced === '2' ? 2 : forced === '3' ? 3 : 1;
  }
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return 0;
  if (!stream.isTTY || env.TERM === 'dumb') return 0;
  return capable;
}

function capabilityOf(env: Environment): 1 | 2 | 3 {
  if (env.COLORTERM === 'truecolor' || env.COLORTERM === '24bit' || env.WT_SESSION !== undefined) return 3;
  return /-256(color)?$/i.test(env.TERM ?? '') ? 2 : 1;
}
