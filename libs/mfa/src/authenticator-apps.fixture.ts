/** What an app takes from an `otpauth:` URI: what it shows, and how it computes. */
export interface Account {
  issuer: string;
  account: string;
  /** Base32, as the app is given it. */
  secret: string;
  algorithm: string;
  digits: number;
  periodSeconds: number;
}

/** Throws for a URI that the app refuses. */
export type ReadUri = (uri: string) => Account;

const DEFAULTS = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };

/** Scheme, type, the raw path after `totp/`, and the parameters as apps on Android and Java decode them: `+` is a space. */
function parts(uri: string): { label: string; query: Map<string, string> } {
  const matched = /^otpauth:\/\/totp\/([^?#]*)\?([^#]*)(#.*)?$/.exec(uri);
  if (!matched) throw new Error('no otpauth URI for TOTP');
  const [, label = '', query = '', fragment] = matched;
  if (fragment !== undefined) throw new Error('a fragment cuts the URI short');
  const pairs = query.split('&').map((pair): [string, string] => {
    const [name = '', value = ''] = pair.split('=');
    return [name, decodeURIComponent(value.replaceAll('+', ' '))];
  });
  return { label, query: new Map(pairs) };
}

/** RFC 4648 §6 without padding: what they all take, in a length that an encoder can have made. */
function secretOf(query: Map<string, string>): string {
  const secret = query.get('secret') ?? '';
  if (!/^[A-Z2-7]+$/.test(secret) || [1, 3, 6].includes(secret.length % 8)) throw new Error('no base32 secret');
  return secret;
}

const parametersOf = (query: Map<string, string>) => ({
  algorithm: query.get('algorithm') ?? DEFAULTS.algorithm,
  digits: Number(query.get('digits') ?? DEFAULTS.digits),
  periodSeconds: Number(query.get('period') ?? DEFAULTS.periodSeconds),
});

/** At the first colon; without one all of it is the account. */
function splitOnce(label: string): { prefix: string; account: string } {
  const at = label.indexOf(':');
  return { prefix: at < 0 ? '' : label.slice(0, at), account: label.slice(at + 1) };
}

/** Android, as its source was open: the label is decoded and split at the first colon, trimmed; reads nothing else. */
export const googleAuthenticator: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const { prefix, account } = splitOnce(decodeURIComponent(label));
  const issuer = query.get('issuer') ?? prefix;
  return { issuer: issuer.trim(), account: account.trim(), secret: secretOf(query), ...DEFAULTS };
};

/** Only the prefix of the label says who issued it; computes SHA1, 6 digits and 30 s whatever the URI says. */
export const microsoftAuthenticator: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const { prefix, account } = splitOnce(decodeURIComponent(label));
  return { issuer: prefix, account, secret: secretOf(query), ...DEFAULTS };
};

/** Token.java: shows the prefix and keeps the parameter as its own id of the issuer; refuses what it cannot compute. */
export const freeOtp: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const { prefix, account } = splitOnce(decodeURIComponent(label));
  const parameters = parametersOf(query);
  if (![6, 8].includes(parameters.digits)) throw new Error('digits');
  if (!['SHA1', 'SHA256', 'SHA512', 'MD5'].includes(parameters.algorithm)) throw new Error('algorithm');
  if (query.get('issuer') !== prefix) throw new Error('another id than the name that is shown');
  return { issuer: prefix, account, secret: secretOf(query), ...parameters };
};

/** GoogleAuthInfo.java: exactly two parts are issuer and account, else all is the account; the parameter fills a gap. */
export const aegis: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const decoded = decodeURIComponent(label);
  const [prefix = '', account = '', ...more] = decoded.split(':');
  const isPair = decoded.includes(':') && more.length === 0;
  const issuer = (isPair ? prefix : '') || (query.get('issuer') ?? '');
  return { issuer, account: isPair ? account : decoded, secret: secretOf(query), ...parametersOf(query) };
};

/** code.dart: the parameter wins; a `#` that is not escaped is tried again as one that is. */
export const enteAuth: ReadUri = (uri) => {
  const { label, query } = parts(uri.replaceAll('#', '%23'));
  const { prefix, account } = splitOnce(decodeURIComponent(label));
  return { issuer: query.get('issuer') ?? prefix, account, secret: secretOf(query), ...parametersOf(query) };
};

/** 5 to 8 digits, and periods of 10, 30, 60 or 90 s; the parameter, else the prefix. */
export const twoFas: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const { prefix, account } = splitOnce(decodeURIComponent(label));
  const parameters = parametersOf(query);
  if (parameters.digits < 5 || parameters.digits > 8) throw new Error('digits');
  if (![10, 30, 60, 90].includes(parameters.periodSeconds)) throw new Error('period');
  return { issuer: query.get('issuer') ?? prefix, account, secret: secretOf(query), ...parameters };
};

/**
 * Nobody knows its source, so by the strictest reading: the label split at every colon, decoded before and after, and both
 * places for the issuer have to agree.
 */
export const lastPass: ReadUri = (uri) => {
  const { label, query } = parts(uri);
  const before = decodeURIComponent(label).split(':');
  const after = label.split(':').map(decodeURIComponent);
  if (before.length !== 2 || before.join(':') !== after.join(':')) throw new Error('label');
  const [issuer = '', account = ''] = after;
  if (query.get('issuer') !== issuer) throw new Error('two issuers');
  return { issuer, account, secret: secretOf(query), ...parametersOf(query) };
};

export const readers: readonly [app: string, read: ReadUri, honours: boolean][] = [
  ['Google Authenticator', googleAuthenticator, false],
  ['Microsoft Authenticator', microsoftAuthenticator, false],
  ['FreeOTP', freeOtp, true],
  ['Aegis', aegis, true],
  ['Ente Auth', enteAuth, true],
  ['2FAS', twoFas, true],
  ['LastPass Authenticator', lastPass, true],
];
