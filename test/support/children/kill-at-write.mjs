/**
 * Preloaded into a gateway: it kills itself at a write of its store. KILL_AT_WRITE is `before:N` or `after:N`, the Nth
 * transaction that is committed; the driver is what is wrapped, so that the product holds nothing of this.
 */
import Database from 'libsql';

const [when, number] = (process.env.KILL_AT_WRITE ?? '').split(':');
const exec = Database.prototype.exec;
let commits = 0;

Database.prototype.exec = function (sql) {
  const isTheOne = sql === 'COMMIT' && ++commits === Number(number);
  if (isTheOne && when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = exec.call(this, sql);
  if (isTheOne) process.kill(process.pid, 'SIGKILL');
  return result;
};
