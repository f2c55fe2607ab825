import type { ScanData } from '@signet/contracts';

/**
 * What is known of a scan when it is answered, and stays in the journal until it is shipped: no address but a truncated
 * one, and what costs time to find out (devices) only as the text that it is found in.
 */
export interface ScanFacts
  extends
    Pick<ScanData, 'workspaceId' | 'codeId' | 'slug' | 'codeVersion' | 'targetIndex' | 'outcome'>,
    Pick<ScanData, 'visitor' | 'ip' | 'country' | 'region' | 'city' | 'language' | 'referrerHost'> {
  /** Milliseconds since the epoch. */
  at: number;
  userAgent?: string;
  /** Whether a browser fetched ahead. */
  isPrefetch?: boolean;
}
