/** Line icons, drawn in the colour of the text beside them, unseen by screen readers. */

const PATHS = {
  runners: 'M3 5h14v4H3zM3 11h14v4H3zM6 7h.01M6 13h.01',
  sources:
    'M4 5c0-1.1 2.7-2 6-2s6 .9 6 2-2.7 2-6 2-6-.9-6-2zM4 5v10c0 1.1 2.7 2 6 2s6-.9 6-2V5M4 10c0 1.1 2.7 2 6 2s6-.9 6-2',
  query: 'm4 6 4 4-4 4M10 15h6',
  jobs: 'M3 10h3l2.5-6 3 12 2.5-6h3',
  activity: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6v4l3 2',
  add: 'M10 4v12M4 10h12',
  copy: 'M7 7h9v9H7zM13 4H4v9',
  done: 'm4 10 4 4 8-9',
  search: 'M9 4a5 5 0 1 1 0 10A5 5 0 0 1 9 4zM13 13l4 4',
  close: 'm5 5 10 10M15 5 5 15',
  back: 'm12 4-6 6 6 6',
  next: 'm8 4 6 6-6 6',
  warning: 'M10 3 2 17h16zM10 8v4M10 14.5h.01',
  theme: 'M10 3a7 7 0 1 0 7 7 5 5 0 0 1-7-7z',
  leave: 'M8 4H4v12h4M12 7l3 3-3 3M15 10H8',
  download: 'M10 3v9M6 9l4 4 4-4M4 16h12',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
