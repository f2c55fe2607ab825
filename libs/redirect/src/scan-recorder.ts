import { BlockList, isIPv6 } from 'node:net';
import type { CodeSnapshot, ScanOutcome } from '@signet/contracts';
import { counter, plainAddress, Registry, SignetConfig, truncateIp, type Counter } from '@signet/platform';
import { describeUserAgent, isPrefetch, ScanJournal, visitorOf, VisitorSalts } from '@signet/scans';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { countryOf, firstLanguage, referrerHost } from './scan-facts.js';

export interface AnsweredScan {
  outcome: ScanOutcome;
  at: Date;
  /** Absent for an unknown slug. */
  snapshot?: CodeSnapshot;
  /** The version that the arbiter decided on, when that is not the snapshot's. */
  codeVersion?: number;
  /** The event's id, for a scan that may be answered, and so recorded, twice. */
  id?: string;
}

/** Whether a program looks at the link before a person does: it must use nothing up. */
export const isPreview = (request: FastifyRequest): boolean =>
  isPrefetch(request.headers) || describeUserAgent(request.headers['user-agent']).preview;

/** Records scans before they are answered (architecture.md §4.5). */
@Injectable()
export class ScanRecorder {
  private readonly scans: Counter<'outcome'>;
  private readonly countryHeader: string | undefined;
  private readonly proxies: BlockList;

  constructor(
    private readonly journal: ScanJournal,
    private readonly salts: VisitorSalts,
    { values }: SignetConfig,
    metrics: Registry,
  ) {
    this.scans = counter(metrics, 'signet_scans_total', 'Answered scans by outcome', ['outcome']);
    this.countryHeader = values.SIGNET_COUNTRY_HEADER?.toLowerCase();
    this.proxies = blockListOf(values.SIGNET_TRUSTED_PROXIES);
  }

  /** Resolves when the scan is safe. A `HEAD` is no scan, and leaves nothing. */
  async record(request: FastifyRequest, { outcome, at, snapshot, codeVersion, id }: AnsweredScan): Promise<void> {
    if (request.method === 'HEAD') return;
    this.scans.inc({ outcome });
    const { headers, ip } = request;
    const userAgent = headers['user-agent'] ?? '';
    const device = describeUserAgent(userAgent);
    const salt = this.salts.saltOf(at);
    const workspaceId = snapshot?.workspaceId;
    const visitor = salt && visitorOf({ salt, workspaceId: workspaceId ?? '', ip: plainAddress(ip), userAgent });
    await this.journal.append(
      {
        workspaceId,
        codeId: snapshot?.id,
        slug: snapshot?.slug,
        codeVersion: codeVersion ?? snapshot?.version,
        outcome,
        at: at.toISOString(),
        visitor,
        ip: truncateIp(ip),
        country: this.country(request),
        deviceType: device.deviceType,
        os: device.os,
        browser: device.browser,
        language: firstLanguage(headers['accept-language']),
        referrerHost: referrerHost(headers.referer),
        bot: device.bot,
        preview: device.preview || isPrefetch(headers),
      },
      id,
    );
  }

  /** Counts what is not recorded: a guesser's requests beyond the limit. */
  countThrottled(): void {
    this.scans.inc({ outcome: 'throttled' });
  }

  /** Anybody can send the header; it counts only when a trusted proxy handed the request over. */
  private country({ headers, socket }: FastifyRequest): string | undefined {
    if (this.countryHeader === undefined) return undefined;
    const address = plainAddress(socket.remoteAddress ?? '');
    const isTrusted = this.proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    return isTrusted ? countryOf(headers[this.countryHeader]) : undefined;
  }
}

/** @param cidrs addresses and networks, as the configuration has checked them */
function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const [family, width] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
    list.addSubnet(address, bits === undefined ? width : Number(bits), family);
  }
  return list;
}
