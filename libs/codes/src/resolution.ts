import type { CodeResolution, CodeStatus, LinkTarget, ResolveCode } from '@signet/contracts';
import { buildUrl, explainTarget, offUrlOf, type TargetedScan } from '@signet/targeting';
import { statusOf, toSnapshot, type StoredCode } from './code.js';

/**
 * What a scan at an instant would get, by the same choice as the redirect's, in words. The rules are asked whatever the
 * status is, so that they can be tried before a code goes live.
 * @param draw from 0 to below 1: for weights that are not sticky
 */
export function resolveCode(
  code: StoredCode,
  scan: ResolveCode,
  { at, draw }: { at: Date; draw: number },
): CodeResolution {
  const snapshot = toSnapshot(code);
  const status = statusOf(code, at);
  const { target, targetIndex, trace } = explainTarget(snapshot, scanOf(scan, { at, draw }));
  const { forwardQuery, utm } = snapshot;
  const led = target && buildUrl(target.url, { forwardQuery, utm, query: scan.query });
  const url = status === 'active' ? led : offUrlOf(snapshot);
  const decided = trace.at(-1);
  const choice =
    targetIndex === undefined ? withoutRule(code, target, scan.os) : `Rule ${targetIndex} decides. ${decided?.why}`;
  return {
    at: at.toISOString(),
    status,
    rule: targetIndex ?? null,
    target: target ?? null,
    url: url ?? null,
    why: status === 'active' ? choice : `${whileOff(status, url)} ${choice}`,
    trace,
    draw,
  };
}

const scanOf = (
  { device, os, country, language, visit, visitor }: ResolveCode,
  { at, draw }: { at: Date; draw: number },
): TargetedScan => ({
  at,
  random: draw,
  ...(device !== undefined && { device }),
  ...(os !== undefined && { os }),
  ...(country !== undefined && { country }),
  ...(language !== undefined && { languages: [language].flat() }),
  ...(visitor !== undefined && { visitor }),
  ...(visit !== undefined && { isReturning: visit === 'returning' }),
});

function withoutRule({ kind, rules, target: whole }: StoredCode, target: LinkTarget | undefined, os?: string): string {
  if (target === undefined) return `A code of kind ${kind} shows everybody the same.`;
  const none = rules.length === 0 ? 'There are no rules' : 'No rule matches';
  if (!('fallback' in whole)) return `${none}, so the code’s own target decides.`;
  const hasStore = (os === 'ios' || os === 'android') && whole[os] !== undefined;
  return hasStore
    ? `${none}, so the store of ${os} decides.`
    : `${none}, and no store is of this system: the fallback decides.`;
}

const whileOff = (status: CodeStatus, url: string | undefined): string =>
  `The code is ${status} then, and a scan ${url === undefined ? 'gets the page that says so' : 'is led to its offUrl'}; what follows is for when it is active.`;
