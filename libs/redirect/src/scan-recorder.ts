import type { IncomingHttpHeaders } from 'node:http';
import type { CodeSnapshot, ScanOutcome } from '@signet/contracts';
import {
  counter,
  plainAddress,
  Registry,
  SignetConfig,
  truncateIp,
  type Counter,
  type IpTruncation,
} from '@signet/platform';
import {
  describeUserAgent,
  isPrefetch,
  MAX_USER_AGENT_LENGTH,
  ScanJournal,
  visitorOf,
  VisitorSalts,
} from '@signet/scans';
import { Injectable } from '@nestjs/common';
import { countryOf, firstLanguage, referrerHost } from './scan-facts.js';
import { TrustedProxies } from './trusted-proxies.js';

/** What a request says of who sent it; one of Fastify's has it all. */
export interface Visit {
  method?: string;
  /** Path and query. */
  url?: string;
  headers: IncomingHttpHeaders;
  /** The client's address, as far as trusted proxies tell it. */
  ip: string;
  socket: { remoteAddress?: string };
}

export interface AnsweredScan {
  outcome: ScanOutcome;
  at: Date;
  /** Absent for an unknown slug. */
  snapshot?: CodeSnapshot;
  /** Of an unknown slug: whose domain it was. */
  workspaceId?: string | undefined;
  /** The version that the arbiter decided on, when that is not the snapshot's. */
  codeVersion?: number;
  /** The rule that chose the target. */
  targetIndex?: number;
  /** The event's id, for a scan that may be answered, and so recorded, twice. */
  id?: string;
}

/** Whether a program looks at the link before a person does: it must use nothing up. */
export const isPreview = ({ headers }: Pick<Visit, 'headers'>): boolean =>
  isPrefetch(headers) || describeUserAgent(headers['user-agent']).preview;

/** Records scans before they are answered (architecture.md §4.5). */
@Injectable()
export class ScanRecorder {
  private readonly scans: Counter<'outcome'>;
  private readonly countryHeader: string | undefined;
  private readonly ipTruncation: IpTruncation;
  private readonly proxies: TrustedProxies;

  constructor(
    private readonly journal: ScanJournal,
    private readonly salts: VisitorSalts,
    { values }: SignetConfig,
    metrics: Registry,
  ) {
    this.scans = counter(metrics, 'signet_scans_total', 'Answered scans by outcome', ['outcome']);
    this.ipTruncation = values.SIGNET_IP_TRUNCATION;
    this.countryHeader = values.SIGNET_COUNTRY_HEADER?.toLowerCase();
    this.proxies = new TrustedProxies(values.SIGNET_TRUSTED_PROXIES);
  }

  /** Resolves when the scan is safe. A `HEAD` is no scan, and leaves nothing. */
  async record(visit: Visit, scan: AnsweredScan): Promise<void> {
    if (visit.method === 'HEAD') return;
    const { outcome, at, snapshot, codeVersion, targetIndex, id } = scan;
    this.scans.inc({ outcome });
    const { headers, ip } = visit;
    const userAgent = headers['user-agent'] ?? '';
    const workspaceId = snapshot?.workspaceId ?? scan.workspaceId;
    await this.journal.append(
      {
        workspaceId,
        codeId: snapshot?.id,
        slug: snapshot?.slug,
        codeVersion: codeVersion ?? snapshot?.version,
        outcome,
        targetIndex,
        at: at.getTime(),
        // Here, so that no whole address waits on the disk for being shipped.
        visitor: this.visitor(visit, workspaceId ?? '', at),
        ip: this.network(ip),
        country: this.country(visit),
        language: firstLanguage(headers['accept-language']),
        referrerHost: referrerHost(headers.referer),
        userAgent: userAgent.slice(0, MAX_USER_AGENT_LENGTH),
        isPrefetch: isPrefetch(headers) || undefined,
      },
      id,
    );
  }

  /** Counts what is not recorded: a guesser's requests beyond the limit. */
  countThrottled(): void {
    this.scans.inc({ outcome: 'throttled' });
  }

  /** @returns as much of an address as is kept */
  network(ip: string): string | undefined {
    return truncateIp(ip, this.ipTruncation);
  }

  /** @returns a pseudonym for the UTC day; undefined while the day's salt isn't known here */
  visitor({ headers, ip }: Visit, workspaceId: string, at: Date): string | undefined {
    const salt = this.salts.saltOf(at);
    return salt && visitorOf({ salt, workspaceId, ip: plainAddress(ip), userAgent: headers['user-agent'] ?? '' });
  }

  /** Anybody can send the header; it counts only when a trusted proxy handed the request over. */
  country({ headers, socket }: Visit): string | undefined {
    if (this.countryHeader === undefined || !this.proxies.trusts(socket.remoteAddress ?? '')) return undefined;
    return countryOf(headers[this.countryHeader]);
  }
}
