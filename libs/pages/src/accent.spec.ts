import { contrastRatio, MIN_CONTRAST } from '@signet/qr';
import fc from 'fast-check';
import { accentFor, grounds, MIN_SHAPE_CONTRAST } from './accent.js';
import { STYLE } from './style.js';

/** @returns the custom properties of a style's rule that begins with `start` */
function colours(style: string, start: string): Record<string, string> {
  const rule = style.slice(style.indexOf(start) + start.length).split('}', 1)[0] ?? '';
  return Object.fromEntries(
    Array.from(rule.matchAll(/--([a-z-]+):(#[0-9a-f]{6})/g), ([, name, value]) => [name, value]),
  );
}

describe.each([
  ['light', 'color-scheme:light dark;'],
  ['dark', '(prefers-color-scheme:dark){:root{'],
] as const)('in %s', (scheme, start) => {
  const { text = '', soft = '', back = '', card = '', bad = '', good = '' } = colours(STYLE, start);

  it('text can be read on every ground', () => {
    for (const front of [text, soft, bad, good])
      for (const behind of [back, card]) expect(contrastRatio(front, behind)).toBeGreaterThanOrEqual(MIN_CONTRAST);
  });

  it('the accents are worked out for the grounds that the style has', () => {
    expect({ back, card }).toEqual(grounds[scheme]);
  });

  it('buttons and links of any brand can be seen and read', () => {
    const channel = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(channel, channel, channel), (channels) => {
        const primary = `#${channels.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
        const { accent, edge, onAccent, link } = accentFor(primary, scheme);
        expect(contrastRatio(onAccent, accent)).toBeGreaterThanOrEqual(MIN_CONTRAST);
        for (const behind of [back, card]) {
          expect(contrastRatio(edge, behind)).toBeGreaterThanOrEqual(MIN_SHAPE_CONTRAST);
          expect(contrastRatio(link, behind)).toBeGreaterThanOrEqual(MIN_CONTRAST);
        }
      }),
    );
  });
});

it('a colour that can be seen stays what it is, and others keep it where nothing has to be read', () => {
  const blue = '#0b5cad';
  expect(accentFor(blue, 'light')).toEqual({ accent: blue, edge: blue, onAccent: '#ffffff', link: blue });
  expect(accentFor('#ffd400', 'light')).toMatchObject({ accent: '#ffd400', onAccent: '#000000' });
});
