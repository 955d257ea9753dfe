/** `/v1/bridges`: the kinds of database that need no installing, and what each asks for. */
import type { Route } from '../route.ts';
import { pageOf as pageSchema } from '../schemas.ts';

export const bridgeRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/bridges',
    access: 'catalog',
    summary: 'Bridges that come with this gateway, with the fields of their config',
    answer: pageSchema('Bridge'),
    handle: async ({ services }) => {
      const items = (await services.bridges()).map(manifest => ({
        packageName: manifest.packageName,
        displayName: manifest.displayName,
        supportsUrl: manifest.supportsUrl,
        urlPlaceholder: manifest.urlPlaceholder ?? null,
        fields: manifest.fields,
      }));
      return { items, nextCursor: null };
    },
  },
];
