import type { QrQuery } from '@signet/contracts';
import { SignetError } from '@signet/platform';

/** WCAG 2.2 SC 1.4.3 asks it of text; scanners in bad light need no less. */
export const MIN_CONTRAST = 4.5;

type Rgb = [red: number, green: number, blue: number];

/** @returns the channels, 0–255 each, of `#rrggbb`; of `transparent` white, the page on which it will most likely lie */
export function parseColour(colour: string): Rgb {
  const hex = colour === 'transparent' ? '#ffffff' : colour;
  if (!/^#[0-9a-f]{6}$/i.test(hex)) throw new TypeError(`not a colour: ${hex}`);
  const channel = (start: number): number => Number.parseInt(hex.slice(start, start + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2.2's "relative luminance": 0 for black to 1 for white. */
function luminance(colour: string): number {
  const [red, green, blue] = parseColour(colour);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Undoes sRGB's gamma (IEC 61966-2-1): a channel of 0–255 to its share of light, 0–1. */
function linear(channel: number): number {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

/** WCAG 2.2's "contrast ratio" of two colours in either order: 1 to 21. `transparent` counts as white. */
export function contrastRatio(dark: string, light: string): number {
  const luminances = [luminance(dark), luminance(light)];
  return (Math.max(...luminances) + 0.05) / (Math.min(...luminances) + 0.05);
}

/**
 * Refuses colours that a scanner may fail on. ISO/IEC 18004 allows light modules on a dark ground, but many readers
 * don't try them.
 * @throws SignetError `contrast-too-low`
 */
export function requireScannable({ dark, light }: Pick<QrQuery, 'dark' | 'light'>): void {
  if (luminance(dark) > luminance(light)) {
    throw new SignetError('contrast-too-low', {
      detail: `The code would be inverted: dark (${dark}) must be the darker colour, light (${light}) the lighter one`,
    });
  }
  const ratio = contrastRatio(dark, light);
  if (ratio >= MIN_CONTRAST) return;
  // Rounded down, so that 4.498 doesn't read "4.50 is under 4.5".
  const shown = (Math.floor(ratio * 100) / 100).toFixed(2);
  throw new SignetError('contrast-too-low', {
    detail: `${dark} on ${light} has a contrast of ${shown}:1; at least ${MIN_CONTRAST}:1 is needed`,
  });
}
