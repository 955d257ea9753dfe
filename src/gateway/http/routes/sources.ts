/** `/v1/sources`: records, and the test that goes all the way. */
import { AppError } from '../../../errors.ts';
import {
  bridgeNamed,
  isOurBridge,
  MAX_PACKAGE_NAME,
  PACKAGE_NAME,
  urlProblem,
} from '../../../protocol/bridge-names.ts';
import type { SourceRecord } from '../../../store/store.ts';
import { type PageQuery, pageOf } from '../page.ts';
import type { Call, Route } from '../route.ts';
import { body, CONFIG, listQuery, NAME, pageOf as pageSchema, ref } from '../schemas.ts';
import { testSource } from '../test-source.ts';
import { sourceView } from '../views.ts';
import { actorOf } from './actor.ts';

const LOCATION = { type: 'string', enum: ['managed', 'runner-local'] };
const BRIDGE = {
  type: 'string',
  maxLength: MAX_PACKAGE_NAME,
  pattern: PACKAGE_NAME,
  description:
    'Package name of the bridge; `postgres`, `mysql` and `sqlite` are short for `@semilayer/bridge-…`.',
};

interface SourceBody {
  name: string;
  bridge: string;
  config?: Record<string, unknown>;
  credentialsLocation?: 'managed' | 'runner-local';
}

export const sourceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/sources',
    access: 'catalog',
    summary: 'Sources by name',
    query: listQuery([]),
    answer: pageSchema('Source'),
    handle: ({ query, services }) => {
      const { q, ...page } = query as unknown as PageQuery;
      return pageOf<SourceRecord>(page, {
        fetch: (limit, after) => services.store.listSources({ limit, after, q }),
        positionOf: record => record.name,
        view: sourceView,
      });
    },
  },
  {
    method: 'POST',
    path: '/v1/sources',
    access: 'operate',
    summary: 'Add a source',
    body: body({ name: NAME, bridge: BRIDGE, config: CONFIG, credentialsLocation: LOCATION }, [
      'name',
      'bridge',
    ]),
    status: 201,
    answer: ref('Source'),
    handle: async call => {
      const input = call.body as unknown as SourceBody;
      const bridge = bridgeNamed(input.bridge);
      const credentialsLocation = input.credentialsLocation ?? 'managed';
      if (credentialsLocation === 'managed' && !input.config) {
        throw new AppError('invalid_request', {
          message: 'a source with managed credentials needs a config',
          hint: 'send config: {url}, or credentialsLocation: runner-local to keep the credentials with the runner',
        });
      }
      if (credentialsLocation === 'runner-local' && input.config) {
        throw new AppError('invalid_request', {
          message: 'a runner-local source has its config where its runner starts, not here',
          hint: 'send no config, or credentialsLocation: managed',
        });
      }
      if (input.config) checkConfig(bridge, input.config);
      const record = await call.services.records.createSource(
        {
          name: input.name,
          bridge,
          credentialsLocation,
          config: input.config ?? null,
        },
        actorOf(call),
      );
      return sourceView(record);
    },
  },
  {
    method: 'GET',
    path: '/v1/sources/:source',
    access: 'catalog',
    summary: 'One source',
    answer: ref('Source'),
    handle: async ({ params, services }) =>
      sourceView(await services.store.findSource(params.source as string)),
  },
  {
    method: 'PATCH',
    path: '/v1/sources/:source',
    access: 'operate',
    summary: 'Change a source; a change to runner-local wipes the stored config',
    body: body({ name: NAME, bridge: BRIDGE, config: CONFIG, credentialsLocation: LOCATION }),
    answer: ref('Source'),
    handle: async call => {
      const { bridge: named, ...change } = call.body as unknown as Partial<SourceBody>;
      const bridge = named === undefined ? undefined : bridgeNamed(named);
      if (change.credentialsLocation === 'runner-local' && change.config) {
        throw new AppError('invalid_request', { message: 'a runner-local source keeps no config here' });
      }
      const { store, records } = call.services;
      const before = await store.findSource(call.params.source as string);
      const stays = (change.credentialsLocation ?? before.credentialsLocation) === 'managed';
      // The bridge and the config that are to go together, whichever of them changes.
      const config = change.config ?? (bridge && stays ? await store.sourceConfig(before.id) : null);
      if (config) checkConfig(bridge ?? before.bridge, config);
      const record = await records.updateSource(
        before.id,
        { ...change, ...(bridge === undefined ? {} : { bridge }) },
        actorOf(call),
      );
      return sourceView(record);
    },
  },
  {
    method: 'DELETE',
    path: '/v1/sources/:source',
    access: 'operate',
    summary: 'Remove a source; one that is assigned only with force',
    query: { type: 'object', properties: { force: { type: 'boolean', default: false } } },
    status: 204,
    handle: call =>
      call.services.records.deleteSource(
        call.params.source as string,
        call.query.force === true,
        actorOf(call),
      ),
  },
  {
    method: 'POST',
    path: '/v1/sources/:source/test',
    access: 'query',
    summary: 'Reach the database through every online runner of the source, each hop timed',
    body: body({}),
    answer: ref('SourceTest'),
    handle: (call: Call) => testSource(call),
  },
];

/** @throws AppError `invalid_request` for a config that its bridge cannot use; the message quotes none of it. */
function checkConfig(bridge: string, config: Record<string, unknown>): void {
  const needsUrl = bridge === bridgeNamed('sqlite');
  const problem =
    'url' in config || needsUrl
      ? urlProblem(bridge, config.url)
      : isOurBridge(bridge) && Object.keys(config).length === 0
        ? `the config is empty: the bridge ${bridge} needs a url`
        : undefined;
  if (problem !== undefined) throw new AppError('invalid_request', { message: `config: ${problem}` });
}
