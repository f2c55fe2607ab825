import { contrastRatio, requireScannable } from './contrast.js';

describe('contrastRatio', () => {
  it.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#000000', 21],
    ['#777777', '#ffffff', 4.48],
    ['#767676', '#ffffff', 4.54],
    ['#0000ff', '#ffffff', 8.59],
    ['#ff0000', '#ffffff', 4],
    ['#123456', '#123456', 1],
    ['#000000', 'transparent', 21],
  ])('of %s and %s is %d', (dark, light, ratio) => {
    expect(contrastRatio(dark, light)).toBeCloseTo(ratio, 2);
  });

  it('takes nothing else for a colour', () => {
    expect(() => contrastRatio('#000"/>', '#ffffff')).toThrow(TypeError);
  });
});

describe('requireScannable', () => {
  it('accepts 4.5:1 and more', () => {
    expect(() => requireScannable({ dark: '#767676', light: '#ffffff' })).not.toThrow();
    expect(() => requireScannable({ dark: '#767676', light: 'transparent' })).not.toThrow();
  });

  it.each([
    ['#777777', '#ffffff', '#777777 on #ffffff has a contrast of 4.47:1; at least 4.5:1 is needed'],
    ['#123456', '#123456', '#123456 on #123456 has a contrast of 1.00:1; at least 4.5:1 is needed'],
    ['#ffffff', '#000000', expect.stringContaining('inverted')],
    ['#808080', '#7f7f7f', expect.stringContaining('inverted')],
  ])('refuses %s on %s and says why', (dark, light, detail) => {
    expect(() => requireScannable({ dark, light })).toThrow(
      expect.objectContaining({ kind: 'contrast-too-low', message: detail }),
    );
  });
});
