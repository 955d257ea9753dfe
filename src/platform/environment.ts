/** What an environment says of where the program runs. */

/** Whether this is a build machine: `CI` set to anything but a spelling of no. */
export function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  const { CI } = env;
  return CI !== undefined && CI !== '' && CI !== '0' && CI.toLowerCase() !== 'false';
}
