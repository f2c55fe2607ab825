import { SlugSchema } from '@signet/contracts';

/** What people copy without its scheme: a name with a dot or an address, perhaps with port and path. */
const BARE_LINK = /^(?:[^\s/:@?#]+\.[^\s/:@?#]+|localhost|\[[0-9a-f:]+\])(?::\d{1,5})?(?:[/?#]|$)/i;

/** @returns the link that somebody has pasted; undefined when it is none of the web */
export function readLink(text: string): URL | undefined {
  const trimmed = text.trim();
  const link = BARE_LINK.test(trimmed) ? `https://${trimmed}` : trimmed;
  return /^https?:\/\//i.test(link) && URL.canParse(link) ? new URL(link) : undefined;
}

/** A slug, or the wizard that its scan leads to, with whatever page of it somebody is at. */
const SLUG_PATH = /^\/(?:enroll\/)?([^/]+)(?:\/|$)/;

/**
 * @returns the slug of a code's link, as its QR code has it or as the address bar shows it later; undefined for a path that
 *   has none. A query is no part of it: people count their visitors with it
 */
export function slugOf({ pathname, username, password }: URL): string | undefined {
  if (username !== '' || password !== '') return undefined;
  const { success, data } = SlugSchema.safeParse(SLUG_PATH.exec(pathname)?.[1]);
  return success ? data : undefined;
}
