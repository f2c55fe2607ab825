import { toCode } from '../code.js';
import { storedCode } from '../codes.fixture.js';
import type { StoredCode } from '../code.js';
import { ImageNames } from './image-names.js';

const at = new Date('2026-01-01T00:00:00Z');
const code = (differences: Partial<StoredCode> = {}) =>
  toCode(storedCode({ slug: 'abc', ...differences }), { publicUrl: 'https://sgn.example', at });
const nameOf = (template: string, differences: Partial<StoredCode> = {}): string =>
  new ImageNames(template, 'svg').next(code(differences));

describe('the name of an image', () => {
  const usual = '{folder}/{title}-{slug}';
  it.each<[string, Partial<StoredCode>, string]>([
    [usual, { title: 'Menu', folder: 'Shop/Winter' }, 'Shop/Winter/Menu-abc.svg'],
    [usual, {}, 'abc.svg'],
    [usual, { title: 'Menu' }, 'Menu-abc.svg'],
    ['{campaign}/{owner}/{kind}_{slug}', { owner: 'ann' }, 'ann/link_abc.svg'],
    ['{domain}', {}, ''],
    ['QR codes/{slug} of {title}', { title: 'Menu' }, 'QR codes/abc of Menu.svg'],
    [usual, { title: '東京 🍜 Café' }, '東京 🍜 Café-abc.svg'],
  ])('by %j of %j', (template, differences, expected) => {
    const { id } = code();
    const name = nameOf(template, { ...differences, id });
    expect(name).toBe(expected === '' ? `${id}.svg` : expected);
  });

  it.each<Partial<StoredCode>>([
    { folder: '../../etc', title: '../passwd' },
    { folder: '/etc/cron.d', title: '..\\..\\windows' },
    { folder: '..', title: '.' },
    { folder: 'C:\\Windows', title: 'x:y*?"<>|' },
    { folder: 'con', title: 'aux' },
    { folder: 'a/./b//c/', title: ' . ' },
    { folder: 'a\u202eb', title: 'c\u200bd\u2028e' },
    { folder: 'x'.repeat(200), title: '長'.repeat(200) },
  ])('never leads out of its folder, and no system refuses it: %j', (differences) => {
    const name = nameOf('{folder}/{title}', differences);
    const parts = name.replace(/\.svg$/, '').split('/');
    for (const part of parts) {
      expect(part).toMatch(/^[^\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);
      expect(part).not.toMatch(/^\.{1,2}$|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
      expect(Buffer.byteLength(`${part} (100000).svg`)).toBeLessThanOrEqual(255);
    }
  });

  it('is given once, also where upper and lower case are the same', () => {
    const names = new ImageNames('{title}', 'png');
    const given = ['Menu', 'menu', 'Menu (2)', 'MENU', 'Menu'].map((title) => names.next(code({ title })));
    expect(given).toEqual(['Menu.png', 'menu (2).png', 'Menu (2) (2).png', 'MENU (3).png', 'Menu (4).png']);
    expect(new Set(given.map((name) => name.toLowerCase())).size).toBe(given.length);
  });

  it('stays quick when all have the same', () => {
    const names = new ImageNames('{kind}', 'svg');
    const one = code();
    const given = Array.from({ length: 50_000 }, () => names.next(one));
    expect([new Set(given).size, given.at(-1)]).toEqual([50_000, 'link (50000).svg']);
  });
});
