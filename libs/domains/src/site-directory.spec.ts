import { loadConfig } from '@signet/platform';
import type { Site } from './directory.sql.js';
import { SiteDirectory } from './site-directory.js';

const site: Site = {
  id: '0192f0c0-0000-7000-8000-000000000001',
  workspaceId: '0192f0c0-0000-7000-8000-000000000002',
  host: 'go.example.com',
  caseSensitive: true,
  defaultBrandId: null,
  notFoundUrl: null,
  appLinks: null,
};
const directory = (sites: Site[], environment: Record<string, string> = {}): SiteDirectory => {
  const made = new SiteDirectory(loadConfig({ SIGNET_PUBLIC_URL: 'https://sgn.example', ...environment }));
  made.replace(sites);
  return made;
};

describe('a host', () => {
  it.each(['go.example.com', 'GO.Example.com', 'go.example.com:8443', 'go.example.com.'])(
    'is a domain’s as %s',
    (host) => {
      expect(directory([site]).placeOf(host)).toBe(site);
    },
  );

  it.each([
    'sgn.example',
    'SGN.example:443',
    'localhost:4002',
    'a.localhost',
    '127.0.0.1:4002',
    '127.9.9.9',
    '[::1]:80',
  ])('is our own as %s, also where there are domains', (host) => {
    expect(directory([site]).placeOf(host)).toBe('own');
  });

  it.each([
    'evil.example',
    'go.example.com.evil.example',
    'xgo.example.com',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '',
    ' ',
  ])('is nobody’s as %p where there are domains, and our own where there are none', (host) => {
    expect(directory([site]).placeOf(host)).toBe('nobody');
    expect(directory([]).placeOf(host)).toBe('own');
    expect(directory([], { SIGNET_STRICT_HOSTS: 'true' }).placeOf(host)).toBe('nobody');
  });

  it('that is missing is nobody’s', () => {
    expect(directory([site]).placeOf(undefined)).toBe('nobody');
  });

  it('is looked up anew after a change, and one of a thousand others before it makes no difference', () => {
    const sites = directory([site]);
    for (let index = 0; index < 3000; index += 1) expect(sites.placeOf(`h${index}.example`)).toBe('nobody');
    expect(sites.placeOf('go.example.com')).toBe(site);
    sites.replace([]);
    expect(sites.placeOf('go.example.com')).toBe('own');
  });
});

describe('a link', () => {
  const placeOf = (url: string, publicUrl = 'https://sgn.example', sites: Site[] = [site]) =>
    directory(sites, { SIGNET_PUBLIC_URL: publicUrl }).placeOfLink(new URL(url));

  it.each(['https://sgn.example/a', 'http://sgn.example/a', 'https://SGN.example.:443/a'])(
    'is our own as %s',
    (url) => {
      expect(placeOf(url)).toBe('own');
    },
  );

  it('is a domain’s on its host', () => {
    expect(placeOf('https://go.example.com/a')).toBe(site);
  });

  it.each([
    'https://evil.example/a',
    'https://sgn.example.evil.example/a',
    'https://sgn.example:8443/a',
    'https://sgn.example@evil.example/a',
    'https://xn--sgn-8cd.example/a',
    'https://127.0.0.1/a',
  ])('is nobody’s as %s, also where a request to any host is answered', (url) => {
    expect(placeOf(url)).toBe('nobody');
    expect(placeOf(url, 'https://sgn.example', [])).toBe('nobody');
  });

  it('is our own on this machine under any of its names, at our port, while that is where we are', () => {
    const here = 'http://127.0.0.1:8080';
    expect(placeOf('http://localhost:8080/a', here)).toBe('own');
    expect(placeOf('http://localhost:3000/a', here)).toBe('nobody');
    expect(placeOf('http://127.0.0.1/a', here)).toBe('nobody');
  });
});
