/** How much of a long list is drawn: a screenful at once, the rest a piece at a time, so that the page never stands still. */
import { useEffect, useState } from 'preact/hooks';

const PIECE = 80;

/** @returns how many items to draw now; begins anew where the component does. */
export function useGrowing(length: number): number {
  const [drawn, setDrawn] = useState(PIECE);
  useEffect(() => {
    if (drawn >= length) return;
    const timer = setTimeout(() => setDrawn(drawn + PIECE));
    return () => clearTimeout(timer);
  }, [drawn, length]);
  return Math.min(drawn, length);
}
