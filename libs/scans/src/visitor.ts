import { createHmac, type KeyObject } from 'node:crypto';

const VISITOR_BYTES = 8;

export interface VisitorFacts {
  /** Random, of the UTC day, deleted after 48 h: without it nobody can find the address again, nor join two days. */
  salt: KeyObject;
  workspaceId: string;
  ip: string;
  userAgent: string;
}

/** @returns 16 hex digits that tell a workspace's visitors of one day apart */
export const visitorOf = ({ salt, workspaceId, ip, userAgent }: VisitorFacts): string =>
  createHmac('sha256', salt).update(`${workspaceId}|${ip}|${userAgent}`).digest().toString('hex', 0, VISITOR_BYTES);
