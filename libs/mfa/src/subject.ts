import type { PutSubject, Subject } from '@signet/contracts';
import type { Throttle } from './throttle.js';

/** A user of a relying party, with what decides about attempts in their name. */
export interface StoredSubject extends Throttle {
  id: string;
  workspaceId: string;
  subject: string;
  displayName: string | null;
  email: string | null;
  groups: string[];
  roles: string[];
  status: 'active' | 'offboarded';
  createdAt: Date;
  updatedAt: Date;
}

/** What a subject's own fields are after a PUT: a field that is left out keeps its value, null clears it. */
export const mergeProfile = (
  before: Required<PutSubject>,
  { displayName, email, groups, roles }: PutSubject,
): Required<PutSubject> => ({
  displayName: displayName === undefined ? before.displayName : displayName,
  email: email === undefined ? before.email : email,
  groups: groups ?? before.groups,
  roles: roles ?? before.roles,
});

export const EMPTY_PROFILE: Required<PutSubject> = { displayName: null, email: null, groups: [], roles: [] };

export const toSubject = (stored: StoredSubject): Subject => ({
  id: stored.id,
  subject: stored.subject,
  displayName: stored.displayName,
  email: stored.email,
  groups: stored.groups,
  roles: stored.roles,
  status: stored.status,
  createdAt: stored.createdAt.toISOString(),
  updatedAt: stored.updatedAt.toISOString(),
});
