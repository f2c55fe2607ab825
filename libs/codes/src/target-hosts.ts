import { domainToUnicode } from 'node:url';
import type { TargetHost } from '@signet/contracts';

/**
 * Letters of other scripts that are drawn as Latin ones: those of the confusables of Unicode TR 39 that registries let
 * into names.
 */
const LOOK_ALIKES = new Map(
  Object.entries({
    a: 'аɑα',
    b: 'ьƅ',
    c: 'сϲᴄ',
    d: 'ԁɗ',
    e: 'еҽ',
    g: 'ɡցɢ',
    h: 'һհ',
    i: 'іıɩι',
    j: 'јϳ',
    k: 'кκ',
    l: 'ӏⅼǀ',
    m: 'м',
    n: 'ոп',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛգ',
    r: 'гɾ',
    s: 'ѕꜱ',
    t: 'тτ',
    u: 'ս',
    v: 'ѵν',
    w: 'ԝшա',
    x: 'хχ',
    y: 'уүγ',
    z: 'ᴢ',
  }).flatMap(([latin, others]) => Array.from(others, (other): [string, string] => [other, latin])),
);

/** Scripts that one language writes together (TR 39 §5.2, "highly restrictive"), beside Latin. */
const TOGETHER = [
  new Set(['Han', 'Hiragana', 'Katakana']),
  new Set(['Han', 'Bopomofo']),
  new Set(['Han', 'Hangul']),
] as const;
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Georgian',
  'Cherokee',
  'Devanagari',
  'Thai',
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Hangul',
].map((name) => ({ name, pattern: new RegExp(`\\p{Script=${name}}`, 'u') }));

/**
 * The host that a URL leads to as people and as the network read it, with a warning where the name may have been made to
 * be mistaken for another one. A warning refuses nothing: such names can be somebody's own.
 */
export function describeHost(url: string): TargetHost {
  const ascii = new URL(url).hostname;
  // Most names: without Punycode there is no other way to read it.
  if (!ascii.includes('xn--')) return { ascii, unicode: ascii, warning: null };
  const unicode = domainToUnicode(ascii) || ascii;
  if (unicode.split('.').some(mixesScripts)) return { ascii, unicode, warning: 'mixed-scripts' };
  const looksLike = unicode.split('.').map(asLatin).join('.');
  if (looksLike === unicode || !isAscii(looksLike)) return { ascii, unicode, warning: null };
  return { ascii, unicode, warning: 'looks-like-ascii', looksLike };
}

function mixesScripts(label: string): boolean {
  const found = SCRIPTS.filter(({ pattern }) => pattern.test(label)).map(({ name }) => name);
  const others = found.filter((name) => name !== 'Latin');
  if (found.length < 2) return false;
  return !TOGETHER.some((scripts) => others.every((name) => scripts.has(name)));
}

/** With its look-alikes replaced: what a hurried eye reads. Accents stay: they are seen, and are most languages' own. */
const asLatin = (label: string): string => Array.from(label, (letter) => LOOK_ALIKES.get(letter) ?? letter).join('');

const isAscii = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);
