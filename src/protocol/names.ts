/** Names and identifiers: one rule for runners and sources. */

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Says why a text cannot be a name, or undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (isUuid(name)) return 'a name must not look like a UUID';
  if (NAME.test(name)) return undefined;
  return 'a name is 1 to 63 lower-case letters, digits and hyphens, and starts and ends with a letter or digit';
}

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
