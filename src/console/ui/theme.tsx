/** Light or dark: as the system has it, unless chosen here. */
import { signal } from '@preact/signals';
import { Icon } from './icon.tsx';

type Theme = 'system' | 'light' | 'dark';

const STORED_AS = 'semilayer-theme';
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const theme = signal<Theme>('system');

export function restoreTheme(): void {
  const stored = localStorage.getItem(STORED_AS);
  if (stored === 'light' || stored === 'dark') apply(stored);
}

export function ThemeButton() {
  const label = `Theme: ${theme.value}`;
  return (
    <button
      type="button"
      class="button button-icon"
      aria-label={`${label}. Change`}
      title={label}
      onClick={() => apply(NEXT[theme.value])}
    >
      <Icon name="theme" />
    </button>
  );
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === 'system') {
    localStorage.removeItem(STORED_AS);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(STORED_AS, chosen);
    document.documentElement.dataset.theme = chosen;
  }
}
