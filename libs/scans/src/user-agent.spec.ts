import { readFileSync } from 'node:fs';
import { describeUserAgent, isPrefetch } from './user-agent.js';

interface Row {
  userAgent: string;
  deviceType: string;
  os: string | null;
  browser: string | null;
  bot: boolean;
  preview: boolean;
}
const rows: Row[] = JSON.parse(readFileSync(new URL('./user-agents.fixture.json', import.meta.url), 'utf8'));

describe('describeUserAgent', () => {
  it.each(rows)('knows $userAgent', ({ userAgent, os, browser, ...flags }) => {
    expect(describeUserAgent(userAgent)).toEqual({ ...flags, ...(os ? { os } : {}), ...(browser ? { browser } : {}) });
    expect(describeUserAgent(userAgent)).toBe(describeUserAgent(userAgent));
  });

  it('counts a distribution of Linux as Linux', () => {
    expect(
      describeUserAgent('Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'),
    ).toMatchObject({ deviceType: 'desktop', os: 'Linux' });
  });

  it('invents nothing for a request without a user agent or with an unheard-of one', () => {
    expect(describeUserAgent(undefined)).toEqual({ bot: false, preview: false });
    expect(describeUserAgent('')).toEqual({ bot: false, preview: false });
    expect(describeUserAgent('Mozilla/5.0 (Amiga) AppleWebKit/537.36 (KHTML, like Gecko) Browser/1.0')).toEqual({
      deviceType: 'other',
      browser: 'WebKit',
      bot: false,
      preview: false,
    });
  });
});

describe('isPrefetch', () => {
  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'x-purpose': 'preview' },
  ])('takes %j for a browser that fetches ahead', (headers) => {
    expect(isPrefetch(headers)).toBe(true);
  });

  it('takes an ordinary request for a person', () => {
    expect(isPrefetch({})).toBe(false);
  });
});
