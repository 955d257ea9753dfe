/** Short news for those who cannot see it happen. */
import { signal } from '@preact/signals';

const news = signal('');

export function announce(text: string): void {
  news.value = '';
  // A region that is filled with the same text twice says it once.
  setTimeout(() => {
    news.value = text;
  }, 50);
}

export function Announcer() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {news.value}
    </div>
  );
}
