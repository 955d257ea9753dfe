/** Many wishes for the same work become one piece of work. */

/**
 * @param work is not begun again while it runs; wishes that come meanwhile begin it once more.
 * @param waitMs from a wish to the work, so that wishes of the same moment share it.
 */
export function coalesce(work: () => Promise<void> | void, waitMs: number): () => void {
  let wanted = false;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    wanted = false;
    try {
      await work();
    } catch {
      // Whoever keeps the link notices the same failure, and reads everything again when it is over.
    }
    running = false;
    if (wanted) setTimeout(run, waitMs);
  };
  return () => {
    if (!wanted && !running) setTimeout(run, waitMs);
    wanted = true;
  };
}
