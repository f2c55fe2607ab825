import type { CodeTarget } from '@signet/contracts';

/** Where a target leads whoever no rule sends elsewhere; empty for what is shown here. */
export function mainUrlOf(target: CodeTarget): string {
  if ('url' in target) return target.url;
  return 'fallback' in target ? target.fallback : '';
}
