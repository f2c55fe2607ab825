import type { PageText } from '../texts.js';

/** How an enrollment can be at its end, as its pages tell it. */
export type EnrollmentEnd = 'used' | 'expired' | 'late' | 'revoked' | 'superseded' | 'failed' | 'guessed' | 'disabled';

/** Everything that the pages of an enrollment say in one language. */
export interface EnrollmentTexts {
  /** Who asks, and why, before anything is claimed. */
  offer: Readonly<Record<'title' | 'why' | 'account' | 'purpose' | 'need' | 'pin' | 'wrongPin' | 'button', string>> & {
    pinFrom: (issuer: string) => string;
    asks: (issuer: string) => string;
    once: (until: string) => string;
    caution: (issuer: string) => string;
  };
  /** The secret, to be scanned, tapped or typed. */
  setup: Readonly<
    Record<'title' | 'once' | 'qr' | 'onThisPhone' | 'open' | 'type' | 'key' | 'copy' | 'copied', string>
  > & {
    /** @param what such as `SHA256, 8 digits` */
    unusual: (what: string) => string;
  };
  /** The code that proves it. */
  code: Readonly<
    Record<
      'title' | 'next' | 'already' | 'label' | 'app' | 'otherApp' | 'button' | 'another' | 'renew' | 'wrong',
      string
    >
  > & {
    left: (tries: number) => string;
    fast: (seconds: number) => string;
    slow: (seconds: number) => string;
    ignored: (what: string) => string;
    minutes: (minutes: number) => string;
  };
  recovery: Readonly<
    Record<
      | 'title'
      | 'active'
      | 'keep'
      | 'copy'
      | 'download'
      | 'print'
      | 'saved'
      | 'button'
      | 'mustSave'
      | 'already'
      | 'another'
      | 'renew',
      string
    >
  >;
  done: { title: string; todo: string; happened: (issuer: string) => string };
  ends: Readonly<Record<EnrollmentEnd, PageText>>;
  /** Of the button by which somebody says that the first claim was not theirs, and the answer to it. */
  notMe: string;
  told: string;
}
