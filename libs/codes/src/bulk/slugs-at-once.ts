import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { CodeDraft } from '../code-drafts.js';
import type { StoredCode } from '../code.js';
import { insertCodes } from '../codes.sql.js';
import { MAX_DRAWS, randomLengthOf, refuseSlug, withSlug } from '../slug-assignment.js';
import { isReserved, randomSlug } from '../slug.js';

/** A draft with the slug that it asks for, if any. */
export interface SluggedDraft extends CodeDraft {
  slug: string | undefined;
}

/** A draft under the slug that is being tried. */
interface Candidate {
  draft: SluggedDraft;
  stored: StoredCode;
  draws: number;
}

/**
 * `insertWithSlug` for many: of two that want one slug, the first has it.
 * @param room how many can be stored: those that come after are left out of the answer
 * @param taken keys besides those that are stored; those that are stored now are added
 * @returns each as it was stored, or why not
 */
export async function insertWithSlugs(
  manager: EntityManager,
  drafts: readonly SluggedDraft[],
  { room, taken }: { room: number; taken?: Set<string> | undefined },
): Promise<Map<SluggedDraft, StoredCode | SignetError>> {
  const outcomes = new Map<SluggedDraft, StoredCode | SignetError>();
  let waiting = drafts.map((draft) => candidateOf(draft));
  let left = room;
  while (waiting.length > 0 && left > 0) {
    const { tried, rest } = nextTry(waiting, left);
    const stored = await storeAll(manager, tried, taken);
    left -= stored.size;
    const again: Candidate[] = [];
    for (const candidate of tried) {
      const { draft } = candidate;
      if (stored.has(candidate)) outcomes.set(draft, candidate.stored);
      else if (draft.slug === undefined) again.push(redrawn(candidate));
      else outcomes.set(draft, await refuse(manager, draft, draft.slug));
    }
    waiting = [...again, ...rest];
  }
  return outcomes;
}

/** The first of them, as many as there is room for; two with one key are not tried together. */
function nextTry(waiting: readonly Candidate[], room: number): { tried: Candidate[]; rest: Candidate[] } {
  const keys = new Set<string>();
  const tried: Candidate[] = [];
  for (const candidate of waiting) {
    const { slugKey } = candidate.stored;
    if (tried.length === room || keys.has(slugKey)) break;
    keys.add(slugKey);
    tried.push(candidate);
  }
  return { tried, rest: waiting.slice(tried.length) };
}

/** In the order of the keys, so that two transactions that want the same slugs wait for each other in one direction. */
async function storeAll(
  manager: EntityManager,
  candidates: readonly Candidate[],
  taken: Set<string> | undefined,
): Promise<Set<Candidate>> {
  const free = candidates.filter(
    ({ draft, stored }) => !taken?.has(stored.slugKey) && !isReserved(stored.slug ?? draft.slug ?? ''),
  );
  const codes = free.map(({ stored }) => stored).toSorted((one, other) => (one.slugKey < other.slugKey ? -1 : 1));
  const ids = codes.length === 0 ? new Set<string>() : await insertCodes(manager, codes);
  const stored = free.filter((candidate) => ids.has(candidate.stored.id));
  for (const candidate of stored) taken?.add(candidate.stored.slugKey);
  return new Set(stored);
}

function candidateOf(draft: SluggedDraft, draws = 1): Candidate {
  const slug = draft.slug ?? randomSlug(randomLengthOf(draft.draft, draft.domain), draft.domain);
  return { draft, stored: withSlug(draft.draft, slug, draft.domain), draws };
}

function redrawn({ draft, draws }: Candidate): Candidate {
  if (draws === MAX_DRAWS) throw new Error('no random slug was free');
  return candidateOf(draft, draws + 1);
}

const refuse = (manager: EntityManager, { domain }: SluggedDraft, slug: string): Promise<SignetError> =>
  refuseSlug(manager, isReserved(slug) ? 'slug-reserved' : 'slug-taken', { slug, domain });
