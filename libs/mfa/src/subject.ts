import type { PutSubject, Subject, SubjectStatus, UpdateSubject } from '@signet/contracts';
import type { Throttle } from './throttle.js';

/** What a relying party says of its user. */
export type SubjectProfile = Required<PutSubject>;

/** A user of a relying party, with what decides about attempts in their name. */
export interface StoredSubject extends Throttle, SubjectProfile {
  id: string;
  workspaceId: string;
  subject: string;
  status: SubjectStatus;
  /** Counts changes of the profile and of the status. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What a subject's own fields are after a PUT: a field that is left out keeps its value, null clears it. */
export const mergeProfile = (
  before: SubjectProfile,
  { displayName, email, groups, roles, attributes }: PutSubject,
): SubjectProfile => ({
  displayName: displayName === undefined ? before.displayName : displayName,
  email: email === undefined ? before.email : email,
  groups: groups ?? before.groups,
  roles: roles ?? before.roles,
  attributes: attributes ?? before.attributes,
});

/** A PATCH as the PUT that it comes to: its attributes are merged into those that are there, null removes one. */
export function toPut(before: SubjectProfile, { attributes, status: _status, ...fields }: UpdateSubject): PutSubject {
  if (!attributes) return fields;
  const merged: PutSubject['attributes'] = { ...before.attributes };
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) delete merged[name];
    else merged[name] = value;
  }
  return { ...fields, attributes: merged };
}

export const EMPTY_PROFILE: SubjectProfile = { displayName: null, email: null, groups: [], roles: [], attributes: {} };

export const profileOf = ({ displayName, email, groups, roles, attributes }: StoredSubject): SubjectProfile => ({
  displayName,
  email,
  groups,
  roles,
  attributes,
});

export const toSubject = (stored: StoredSubject): Subject => ({
  id: stored.id,
  subject: stored.subject,
  ...profileOf(stored),
  status: stored.status,
  version: stored.version,
  createdAt: stored.createdAt.toISOString(),
  updatedAt: stored.updatedAt.toISOString(),
});
