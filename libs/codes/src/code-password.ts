import { hashPassword } from '@signet/platform';
import type { Change } from './code-rules.js';
import type { StoredCode } from './code.js';

/** What a body says of the password, as it is stored; undefined leaves it, null takes it away. To be awaited before a transaction. */
export const hashGivenPassword = async (password: string | null | undefined): Promise<string | null | undefined> =>
  typeof password === 'string' ? hashPassword(password) : password;

const shown = (passwordHash: string | null): string | null => (passwordHash === null ? null : '[set]');

/** For the history, which knows that a password was set, never which. */
export const passwordChanges = (before: StoredCode['passwordHash'], after: StoredCode['passwordHash']): Change[] =>
  before === after ? [] : [{ field: 'password', from: shown(before), to: shown(after) }];
