/** Answers each request over NATS with the same rows as the relay: `nats-responder.mjs PORT`. */
import { connect } from '@nats-io/transport-node';

const ROWS = [{ id: 1, name: 'one row' }];
const connection = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
connection.subscribe('rows', {
  callback: (_error, message) => {
    JSON.parse(message.string());
    message.respond(JSON.stringify({ rows: ROWS, meta: { count: ROWS.length, durationMs: 0 } }));
  },
});
await connection.flush();
console.log('connected');
