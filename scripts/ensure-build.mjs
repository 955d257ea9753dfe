/** Builds dist/ when it is missing or older than the sources; says nothing when there is nothing to do. */
import { build, readStamp, sourceHash } from './build.mjs';

const [stamp, hash] = await Promise.all([readStamp(), sourceHash()]);
const types = process.argv.includes('--types');
if (stamp.code !== hash || (types && stamp.types !== hash)) await build({ types, clean: false });
