import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Ours, built from `browser/`, which stand at the same place as seen from the sources and from the build. */
const OWN = ['scan.js', 'qr-reader.js', 'enroll.js'] as const;
/** The decoder for browsers without one of their own, served as its package has it. */
const DECODER = { 'qr/decode.js': 'qr/decode.js', 'qr/index.js': 'qr' } as const;

export interface PageScripts {
  /** Of each path on our origin. */
  bodies: ReadonlyMap<string, string>;
  /** The script of `/check`. */
  scan: string;
  /** The script of an enrollment's pages. */
  enroll: string;
}

/** @returns scripts by their paths, which have the hash of all of them, so that each may be kept for good */
export function loadPageScripts(): PageScripts {
  const { resolve } = createRequire(import.meta.url);
  const files = [
    ...OWN.map((name) => ({ name, body: readFileSync(new URL(`../dist/browser/${name}`, import.meta.url), 'utf8') })),
    ...Object.entries(DECODER).map(([name, module]) => ({ name, body: readFileSync(resolve(module), 'utf8') })),
  ];
  const hash = createHash('sha256');
  for (const { name, body } of files) hash.update(`${name} ${body.length}\n${body}`);
  const base = `/assets/pages/${hash.digest('hex').slice(0, 16)}`;
  return {
    bodies: new Map(files.map(({ name, body }) => [`${base}/${name}`, body])),
    scan: `${base}/scan.js`,
    enroll: `${base}/enroll.js`,
  };
}
