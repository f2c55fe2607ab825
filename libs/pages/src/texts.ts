import type { OriginVerdict, ProblemKind } from '@signet/contracts';

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

/** What the page that scans says while it does. */
export type ScanMessage = 'looking' | 'denied' | 'absent' | 'nothing' | 'noLink';

export type FileKind = 'pdf' | 'image' | 'audio' | 'video' | 'text' | 'other';

/** Everything that the pages say in one language. A text that is missing does not compile. */
export interface Texts {
  /** BCP 47, for `<html lang>` and `Content-Language`. */
  language: string;
  /** Of the shell: below every page. */
  frame: {
    issuedBy: (name: string) => string;
    checkCode: string;
    /** Of the link to whoever helps. */
    help: string;
  };
  claimOnce: PageText;
  claimLimited: PageText;
  claimButton: string;
  password: PageText & { label: string; button: string; wrong: string };
  /** Of the page that offers an app and the web page in place of it. */
  app: PageText & { open: string; get: string; web: string };
  contact: Readonly<
    Record<'save' | 'phone' | 'mobile' | 'work' | 'home' | 'fax' | 'email' | 'website' | 'address' | 'note', string>
  >;
  wifi: {
    title: string;
    network: string;
    password: string;
    security: string;
    noPassword: string;
    /** How to get the password off the page. */
    copy: string;
    how: string;
    openSettings: string;
    chooseNetwork: string;
    enterPassword: string;
    chooseHidden: string;
    scan: string;
    /** What the picture is, for whoever cannot see it. */
    qr: string;
  };
  event: Readonly<Record<'save' | 'when' | 'where' | 'website', string>>;
  file: { open: string; download: string; kinds: Readonly<Record<FileKind, string>> };
  /** Of the page that says whether a code was issued here. */
  check: Readonly<
    Record<'title' | 'lead' | 'scan' | 'stop' | 'picture' | 'privacy' | 'link' | 'button' | 'another', string>
  > &
    Readonly<Record<ScanMessage, string>> & {
      /** What was pasted is no link. */
      unreadable: string;
      /** How a person tells this page from a copy of it. */
      ownAddress: (host: string) => string;
      leadsTo: (host: string) => string;
      verdicts: Readonly<Record<OriginVerdict, PageText>>;
    };
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
