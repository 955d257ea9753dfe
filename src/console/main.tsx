/** The Console's beginning: take the link's code, find out who is here, draw. */
import { render } from 'preact';
import { App } from './app.tsx';
import { startLive } from './live/start.ts';
import { followAddress } from './route.ts';
import { begin, takeLinkCode } from './service/session.ts';
import { restoreTheme } from './ui/theme.tsx';

const code = takeLinkCode();
restoreTheme();
followAddress(() => void begin(takeLinkCode()));
startLive();
const frame = document.getElementById('console') as HTMLElement;
frame.replaceChildren();
render(<App />, frame);
void begin(code);
