/** Something read from the service for one component, read again when what it depends on changes. */
import { useEffect, useState } from 'preact/hooks';

export interface Asked<T> {
  value: T | undefined;
  error: unknown;
}

/** What was there stays while it is read again, so that nothing flickers; `keys` are compared one by one. */
export function useAsked<T>(read: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({ value: undefined, error: undefined });
  useEffect(() => {
    const stop = new AbortController();
    read(stop.signal).then(
      value => stop.signal.aborted || setAsked({ value, error: undefined }),
      error => stop.signal.aborted || setAsked(before => ({ value: before.value, error })),
    );
    return () => stop.abort();
  }, keys);
  return asked;
}
