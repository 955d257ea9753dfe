/** A new token with all that is needed to use it, shown this once. */
import { useState } from 'preact/hooks';
import {
  envBlock,
  envFileName,
  isLoopback,
  type NewRunner,
  type StartLines,
  startLines,
} from '../text/env-block.ts';
import { CodeBlock } from './code-block.tsx';
import { Icon } from './icon.tsx';
import { Notice } from './notice.tsx';
import { Tabs } from './tabs.tsx';

const WAYS: { id: keyof StartLines; label: string; title: string }[] = [
  { id: 'npx', label: 'npx', title: 'Start with npx' },
  { id: 'docker', label: 'Docker', title: 'docker run' },
  { id: 'compose', label: 'Compose', title: 'compose.yaml' },
];

export function EnvBlock({ runner }: { runner: NewRunner }) {
  const file = envFileName(runner.name);
  return (
    <div class="stack">
      <Notice tone="warn">
        <p>
          <strong>This is the only time the token is shown.</strong> It is not stored here, only its hash. If
          it is lost, rotate the runner to get another.
        </p>
      </Notice>
      <CodeBlock
        title={`Env block, saved as ${file}`}
        text={envBlock(runner)}
        actions={<Download name={file} text={envBlock(runner)} />}
      />
    </div>
  );
}

export function StartWays({ runner }: { runner: NewRunner }) {
  const [way, setWay] = useState<keyof StartLines>('npx');
  const lines = startLines(runner);
  const shown = WAYS.find(({ id }) => id === way) ?? (WAYS[0] as (typeof WAYS)[number]);
  return (
    <Tabs label="How to start it" tabs={WAYS} value={way} onValue={id => setWay(id as keyof StartLines)}>
      <CodeBlock title={shown.title} text={lines[way]} />
      <p class="hint">
        Run it where <code class="code">{envFileName(runner.name)}</code> lies; the token stays in that file.
        {way !== 'npx' &&
          isLoopback(runner.gatewayUrl) &&
          ' The gateway listens on this machine alone, so the container shares its network.'}
      </p>
    </Tabs>
  );
}

function Download({ name, text }: { name: string; text: string }) {
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const anchor = document.createElement('a');
    anchor.href = url;
    anchor.download = name;
    anchor.click();
    URL.revokeObjectURL(url);
  };
  return (
    <button type="button" class="button" onClick={save}>
      <Icon name="download" />
      <span>Download</span>
    </button>
  );
}
