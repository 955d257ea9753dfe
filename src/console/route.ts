/** Which page is shown: the part of the address after `#`, so that the gateway serves one page alone. */
import { signal } from '@preact/signals';

export interface Place {
  /** Empty where the address names none. */
  page: string;
  /** What the page is about: a name, where there is one. */
  name: string | undefined;
  query: URLSearchParams;
}

export const place = signal<Place>(placeOf(location.hash));

/** `#/runners/edge-1?…`; the names come from outside and are encoded. */
export function hrefOf(page: string, name?: string, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  const path = name === undefined ? page : `${page}/${encodeURIComponent(name)}`;
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

export function go(href: string): void {
  location.hash = href;
}

/** As `go`, in the place of the page that was shown: the back button does not return to what is no more. */
export function goInstead(href: string): void {
  location.replace(href);
}

/** @param onLink a one-time link was put into the address bar of this page. */
export function followAddress(onLink: () => void): void {
  place.value = placeOf(location.hash);
  let here = location.hash;
  addEventListener('hashchange', () => {
    // The link that skips to the page: the browser has moved the focus, and the page stays what it was.
    if (location.hash === '#main')
      return history.replaceState(null, '', here === '' ? location.pathname : here);
    if (location.hash.startsWith('#code=')) onLink();
    here = location.hash;
    place.value = placeOf(here);
    scrollTo(0, 0);
  });
}

function placeOf(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [page = '', name] = path.split('/', 2);
  return { page, name: decoded(name), query: new URLSearchParams(search) };
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
