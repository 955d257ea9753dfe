/** The suite that bridge authors have, on our own Postgres bridge. */
import { bridgeConformance, sqlOf } from '../../../src/bridges/conformance/index.ts';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { fileContext } from '../../support/file-context.ts';
import { connectTo, postgresServer } from '../../support/postgres-server.ts';

const context = fileContext('conformance of the Postgres bridge');
const server = await postgresServer(context);
if (server) {
  bridgeConformance({
    name: 'Postgres',
    async seed(tables) {
      const owner = await connectTo(context, server.url);
      for (const statement of sqlOf(tables)) await owner.query(statement);
    },
    createBridge: () => new PostgresBridge({ url: server.url }),
  });
}
