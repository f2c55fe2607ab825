import type { ProblemKind } from '@signet/contracts';

export interface PageText {
  title: string;
  /** What happened, for somebody who knows nothing of us. */
  happened: string;
  /** What they can do now. */
  todo: string;
}

/** The problems that have a page of their own; every other one is told as "something went wrong". */
export type PageProblem = Extract<
  ProblemKind,
  | 'code-unknown'
  | 'code-revoked'
  | 'code-expired'
  | 'code-exhausted'
  | 'code-paused'
  | 'code-not-active-yet'
  | 'code-undecided'
  | 'too-many-requests'
  | 'invalid-request'
>;

/** Everything that the pages say in one language. A text that is missing does not compile. */
export interface Texts {
  /** BCP 47, for `<html lang>` and `Content-Language`. */
  language: string;
  claimOnce: PageText;
  claimLimited: PageText;
  claimButton: string;
  problems: Readonly<Record<PageProblem, PageText>>;
  otherProblem: PageText;
  /** @param at as people write it, with its time zone */
  activeFrom: (at: string) => string;
  retryAfter: (seconds: number) => string;
  reference: (requestId: string) => string;
}

/** @returns what the language says of a problem of any kind */
export function problemText({ problems, otherProblem }: Texts, kind: ProblemKind): PageText {
  const known: Partial<Record<ProblemKind, PageText>> = problems;
  return known[kind] ?? otherProblem;
}
