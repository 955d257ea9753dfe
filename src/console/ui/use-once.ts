/** A secret that this component alone holds, and forgets when the page is left, kept alive or not. */
import { useLayoutEffect, useState } from 'preact/hooks';

export function useOnce<T>(): [T | undefined, (value: T | undefined) => void] {
  const [value, setValue] = useState<T | undefined>(undefined);
  useLayoutEffect(() => {
    // A browser may keep a left page for its back button, secrets and all.
    const forget = (): void => setValue(undefined);
    addEventListener('pagehide', forget);
    return () => removeEventListener('pagehide', forget);
  }, []);
  return [value, setValue];
}
