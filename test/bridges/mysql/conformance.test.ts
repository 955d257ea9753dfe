/** The suite that bridge authors have, on our own MySQL bridge. */
import { bridgeConformance, sqlOf } from '../../../src/bridges/conformance/index.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { fileContext } from '../../support/file-context.ts';
import { mysqlDatabase } from '../../support/mysql-server.ts';

const database = await mysqlDatabase(fileContext('conformance of the MySQL bridge'));
if (database) {
  bridgeConformance({
    name: 'MySQL',
    async seed(tables) {
      const dialect = {
        types: { text: 'varchar(200) collate utf8mb4_bin' },
        literal: (text: string) => database.writer.escape(text),
      };
      for (const statement of sqlOf(tables, dialect)) await database.writer.query(statement);
    },
    createBridge: () => new MysqlBridge({ url: database.url }),
  });
}
