/** Database servers that the files of one run share: starting one costs more than most files do with it. */

/**
 * The server of that name from the process that keeps them (`children/server-keeper.ts`), as far as JSON tells of it;
 * where there is no such process, one started here.
 */
export async function sharedServer<Server>(
  name: 'mysql' | 'postgres',
  start: () => Promise<Server | undefined>,
): Promise<Server | undefined> {
  const keeper = process.env.SEMILAYER_TEST_SERVERS;
  if (keeper === undefined) return await start();
  const answer = await fetch(`${keeper}/${name}`);
  if (!answer.ok) throw new Error(await answer.text());
  return ((await answer.json()) as Server | null) ?? undefined;
}
