/** A reader that misbehaves as its argument says: what the runner's side of the pipe is tested against. */
import { createInterface } from 'node:readline';

const [, , manner] = process.argv;

function frame(type, count, body) {
  const head = Buffer.alloc(9);
  head.writeUInt8(type, 0);
  head.writeUInt32LE(count, 1);
  head.writeUInt32LE(body.length, 5);
  process.stdout.write(Buffer.concat([head, body]));
}
const say = message => frame(2, 0, Buffer.from(JSON.stringify(message)));

if (manner === 'dies-at-once') process.exit(3);
say({ type: 'ready', protocol: manner === 'another-version' ? 0 : 2 });
for await (const line of createInterface({ input: process.stdin })) {
  const { type } = JSON.parse(line);
  if (type !== 'ask') continue;
  if (manner === 'shows-itself') {
    say({ type: 'answer', answer: { value: { env: process.env, argv: process.argv, cwd: process.cwd() } } });
  }
  if (manner === 'dies-after-rows') {
    frame(1, 1, Buffer.from('{"n":1}\n'));
    process.stdout.write('', () => process.abort());
  }
}
