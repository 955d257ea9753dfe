/** The frame around every page: where one can go, who one is, whether what is shown is live. */
import type { VNode } from 'preact';
import { link } from './live/link.ts';
import { ActivityPage } from './pages/activity.tsx';
import { AddRunnerPage } from './pages/add-runner.tsx';
import { AddSourcePage } from './pages/add-source.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { QueryPage } from './pages/query.tsx';
import { RunnerPage } from './pages/runner.tsx';
import { RunnersPage } from './pages/runners.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { SourcePage } from './pages/source.tsx';
import { SourcesPage } from './pages/sources.tsx';
import { hrefOf, type Place, place } from './route.ts';
import { type Act, may } from './service/may.ts';
import { session, signOut } from './service/session.ts';
import { exactTime } from './text/time.ts';
import { Announcer } from './ui/announce.tsx';
import { Empty } from './ui/empty.tsx';
import { Icon, type IconName } from './ui/icon.tsx';
import { Name } from './ui/text.tsx';
import { ThemeButton } from './ui/theme.tsx';

const PLACES: { page: string; label: string; icon: IconName; needs: Act[]; adds?: string }[] = [
  { page: 'runners', label: 'Runners', icon: 'runners', needs: ['read'], adds: 'new-runner' },
  { page: 'sources', label: 'Sources', icon: 'sources', needs: ['read', 'query'], adds: 'new-source' },
  { page: 'query', label: 'Query', icon: 'query', needs: ['query'] },
  { page: 'jobs', label: 'Jobs', icon: 'jobs', needs: ['read'] },
  { page: 'activity', label: 'Activity', icon: 'activity', needs: ['read'] },
];

export function App() {
  const now = session.value;
  if (now.state === 'checking') return null;
  if (now.state === 'no') return <SignInPage reason={now.reason} />;
  const places = PLACES.filter(({ needs }) => needs.some(may));
  const page = place.value.page === '' ? places[0]?.page : place.value.page;
  const here = places.find(one => one.page === page || one.adds === page);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="top">
        <a class="brand" href="#/">
          <Mark />
          SemiLayer
        </a>
        <nav aria-label="Pages">
          {places.map(one => (
            <a
              key={one.page}
              href={hrefOf(one.page)}
              class="nav-link"
              aria-current={one === here ? 'page' : undefined}
            >
              <Icon name={one.icon} />
              <span>{one.label}</span>
            </a>
          ))}
        </nav>
        <div class="who">
          {may('read') && <LinkLight />}
          <div class="who-row">
            <span class="who-name" title={`${now.me.name}, role ${now.me.role}`}>
              <Name>{now.me.name}</Name> <span class="muted">· {now.me.role}</span>
            </span>
            <ThemeButton />
            <button
              type="button"
              class="button button-icon"
              aria-label="Sign out"
              title="Sign out"
              onClick={() => void signOut()}
            >
              <Icon name="leave" />
            </button>
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <StaleBanner />
        <PageOf page={page} place={place.value} allowed={here !== undefined} />
      </main>
      <Announcer />
    </div>
  );
}

function PageOf(props: { page: string | undefined; place: Place; allowed: boolean }): VNode {
  const { page, place, allowed } = props;
  const { name } = place;
  if (!allowed) {
    const first = PLACES.find(({ needs }) => needs.some(may));
    return (
      <Empty title="There is no such page for this key">
        <p>
          <a href={hrefOf(first?.page ?? 'sources')}>Go to {first?.label ?? 'Sources'}</a>
        </p>
      </Empty>
    );
  }
  if (page === 'new-runner') return <AddRunnerPage />;
  if (page === 'new-source') return <AddSourcePage />;
  if (page === 'runners' && name !== undefined) return <RunnerPage key={name} name={name} />;
  if (page === 'sources' && name !== undefined) return <SourcePage key={name} name={name} />;
  if (page === 'sources') return <SourcesPage />;
  if (page === 'query') return <QueryPage key={place.query.toString()} query={place.query} />;
  if (page === 'jobs') return <JobsPage />;
  if (page === 'activity') return <ActivityPage />;
  return <RunnersPage />;
}

const LIGHTS = { connecting: 'Connecting', live: 'Live', stale: 'Not live' } as const;

function LinkLight() {
  const { state } = link.value;
  return (
    <span class={`light light-${state}`} role="status">
      {LIGHTS[state]}
    </span>
  );
}

function StaleBanner() {
  const now = link.value;
  if (now.state !== 'stale') return null;
  return (
    <div class="banner" role="alert">
      <Icon name="warning" />
      <span>
        What you see may be out of date: the gateway was last heard at{' '}
        {exactTime(new Date(now.since).toISOString())}. Trying again by itself.
      </span>
    </div>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M7 12.5 16 8l9 4.5-9 4.5z" />
      <path d="m7 19.5 3.2-1.6L16 20.8l5.8-2.9 3.2 1.6-9 4.5z" opacity=".6" />
    </svg>
  );
}
