import { contrastRatio, MIN_CONTRAST } from '@signet/qr';

/** WCAG 2.2 SC 1.4.11: what shows that a thing is a button needs less contrast than text does. */
export const MIN_SHAPE_CONTRAST = 3;
/** For pages of nobody in particular. */
export const DEFAULT_PRIMARY = '#0b5cad';

/** The grounds that things lie on. The style has the same ones; a test compares them. */
export const grounds = {
  light: { back: '#f4f5f7', card: '#ffffff' },
  dark: { back: '#101316', card: '#1a1f24' },
} as const;
export type Scheme = keyof typeof grounds;

/** The colours that come from a brand's own one. */
export interface Accent {
  /** Of buttons: the brand's own. */
  accent: string;
  /** Of their edge, so that a button of the ground's colour is seen, too. */
  edge: string;
  /** Of what is written on them. */
  onAccent: string;
  /** Of links in running text. */
  link: string;
}

/**
 * What a brand's colour becomes on our grounds: itself where it can be seen there, else the nearest of its shades that
 * can (WCAG 2.2 SC 1.4.3 and 1.4.11).
 * @param primary `#rrggbb`
 */
export const accentFor = (primary: string, scheme: Scheme): Accent => ({
  accent: primary,
  edge: shadeOf(primary, scheme, MIN_SHAPE_CONTRAST),
  onAccent: readableOn(primary),
  link: shadeOf(primary, scheme, MIN_CONTRAST),
});

/** Black or white: one of them has a contrast of at least 4.58 to any colour. */
const readableOn = (colour: string): string =>
  contrastRatio(colour, '#ffffff') >= contrastRatio(colour, '#000000') ? '#ffffff' : '#000000';

const SHADES = 64;

function shadeOf(primary: string, scheme: Scheme, contrast: number): string {
  const towards = scheme === 'light' ? 0 : 255;
  const { back, card } = grounds[scheme];
  for (let step = 0; step < SHADES; step++) {
    const shade = mix(primary, towards, step / SHADES);
    if (Math.min(contrastRatio(shade, back), contrastRatio(shade, card)) >= contrast) return shade;
  }
  return mix(primary, towards, 1);
}

/** @param share 0: the colour itself; 1: the grey that it is mixed towards */
function mix(colour: string, grey: number, share: number): string {
  const channels = [1, 3, 5].map((start) => {
    const channel = Number.parseInt(colour.slice(start, start + 2), 16);
    return Math.round(channel + (grey - channel) * share)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${channels.join('')}`;
}
