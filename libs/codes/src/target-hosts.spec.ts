import { describeHost } from './target-hosts.js';

describe('describeHost', () => {
  it.each([
    ['https://example.org/', 'example.org', 'example.org'],
    ['https://bücher.example/', 'xn--bcher-kva.example', 'bücher.example'],
    ['https://日本語.example/', 'xn--wgv71a119e.example', '日本語.example'],
    ['https://xn--e1afmkfd.xn--p1ai/', 'xn--e1afmkfd.xn--p1ai', 'пример.рф'],
    ['https://192.0.2.1:8080/', '192.0.2.1', '192.0.2.1'],
  ])('of %s has nothing to warn of', (url, ascii, unicode) => {
    expect(describeHost(url)).toEqual({ ascii, unicode, warning: null });
  });

  it.each([
    ['https://раураӏ.com/', 'paypal.com'],
    ['https://xn--80ak6aa92e.com/', 'apple.com'],
    ['https://еxаmрlе.com/', 'example.com'],
    ['https://ɡithub.com/', 'github.com'],
  ])('tells that %s looks like %s, or mixes scripts', (url, looksLike) => {
    const host = describeHost(url);
    expect(host.ascii).toMatch(/xn--/);
    expect(host.warning === 'mixed-scripts' ? looksLike : host.looksLike).toBe(looksLike);
    expect(host.warning).not.toBeNull();
  });

  it.each(['https://東京tower.example/', 'https://カフェ-tokyo.example/', 'https://한국korea.example/'])(
    'lets the scripts of one language stand together: %s',
    (url) => expect(describeHost(url).warning).toBeNull(),
  );

  it.each(['https://gооgle.com/', 'https://αmazon.com/'])('warns of a label that mixes scripts: %s', (url) => {
    expect(describeHost(url).warning).toBe('mixed-scripts');
  });
});
