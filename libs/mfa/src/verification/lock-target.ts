import type { EntityManager } from 'typeorm';
import { lockSubject } from '../subjects.sql.js';
import type { StoredSubject } from '../subject.js';
import type { Throttle } from '../throttle.js';
import { lockStranger } from '../throttle.sql.js';
import type { Attempt } from './attempt.js';

/** Whose attempt it is, under its lock. `subject` is absent for a name that is nobody's. */
export interface Target {
  subject?: StoredSubject;
  throttle: Throttle;
}

/**
 * Attempts of one subject are decided one after the other, also across instances. A name that is nobody's is locked and
 * throttled the same way, else the throttle would tell who exists (ASVS 6.3.8).
 */
export async function lockTarget(manager: EntityManager, { caller, subject: name, at }: Attempt): Promise<Target> {
  const { workspaceId } = caller;
  const subject = await lockSubject(manager, workspaceId, name);
  if (subject) return { subject, throttle: subject };
  return { throttle: await lockStranger(manager, { workspaceId, subject: name }, at) };
}
