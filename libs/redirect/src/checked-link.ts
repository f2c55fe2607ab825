import { SlugSchema } from '@signet/contracts';

/** What people copy without its scheme: a name with a dot or an address, perhaps with port and path. */
const BARE_LINK = /^(?:[^\s/:@?#]+\.[^\s/:@?#]+|localhost|\[[0-9a-f:]+\])(?::\d{1,5})?(?:[/?#]|$)/i;

/** @returns the link that somebody has pasted; undefined when it is none of the web */
export function readLink(text: string): URL | undefined {
  const trimmed = text.trim();
  const link = BARE_LINK.test(trimmed) ? `https://${trimmed}` : trimmed;
  return /^https?:\/\//i.test(link) && URL.canParse(link) ? new URL(link) : undefined;
}

/**
 * @returns the slug of a short URL; undefined for a path that none of ours has. A query is none of the slug: people
 *   count their visitors with it
 */
export function slugOf({ pathname, username, password }: URL): string | undefined {
  if (username !== '' || password !== '') return undefined;
  const { success, data } = SlugSchema.safeParse(pathname.slice(1));
  return success ? data : undefined;
}
