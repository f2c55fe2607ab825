import type { Page } from './page.js';

/** Of every answer about a code: nobody keeps it, indexes it, or learns of it from the next page. */
export const PRIVATE_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'x-content-type-options': 'nosniff',
} as const;

/** What a page is sent with. */
export const headersOf = (page: Page): Record<string, string> => ({
  ...PRIVATE_HEADERS,
  'content-type': 'text/html; charset=utf-8',
  'content-language': page.language,
  vary: 'Accept, Accept-Language',
  'content-security-policy': page.contentSecurityPolicy,
  'permissions-policy': page.permissionsPolicy,
});
