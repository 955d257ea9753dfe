/** Every fault, by kind; docs/reliability.md is this as a page, `npm run mutations` takes out each defence. */
import { agreed } from './agreed.ts';
import type { Fault } from './fault.ts';
import { input } from './input.ts';
import { network } from './network.ts';
import { process } from './process.ts';
import { protocol } from './protocol.ts';
import { security } from './security.ts';

export const CATALOGUE: readonly [kind: string, faults: readonly Fault[]][] = [
  ['Network', network],
  ['Protocol', protocol],
  ['Beyond version 1', agreed],
  ['Process', process],
  ['Security', security],
  ['Input', input],
];
