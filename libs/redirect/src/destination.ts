import type { CodeSnapshot, FileTarget, LinkTarget, RuleCondition } from '@signet/contracts';
import { FileContents, type FileKey, type StoredFile } from '@signet/files';
import type { AppPage } from '@signet/pages';
import { CodeState, LOGGER, type Logger } from '@signet/platform';
import { describeUserAgent } from '@signet/scans';
import {
  acceptedLanguages,
  buildUrl,
  chooseTarget,
  targetedDevice,
  targetedOs,
  type TargetedDevice,
  type TargetedOs,
  type TargetedScan,
} from '@signet/targeting';
import { Inject, Injectable } from '@nestjs/common';
import { isPreview, ScanRecorder, type Visit } from './scan-recorder.js';

/** Where a scan is sent. */
export interface Destination {
  url: string;
  /** The rule that chose it; absent: none. */
  targetIndex?: number;
  /** To be offered first, because the scan comes from a phone that may have the app. */
  app?: AppPage;
  /** What a code of kind `file` gives. */
  file?: StoredFile;
}

interface Device {
  device?: TargetedDevice;
  os?: TargetedOs;
}

/** Chooses where a scan leads. What of a visitor no rule asks for is not looked at. */
@Injectable()
export class Destinations {
  /** Scans whose visitors were met; a claim that has to choose again must not find itself. */
  private readonly met = new WeakMap<Visit, Promise<boolean | undefined>>();

  constructor(
    private readonly recorder: ScanRecorder,
    private readonly codeState: CodeState,
    private readonly files: FileContents,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @returns an empty URL for the kinds that show something themselves
   * @throws SignetError `unavailable`, before anything is used up, when a file cannot be looked up
   */
  async choose(visit: Visit, snapshot: CodeSnapshot, at: Date): Promise<Destination> {
    if ('fileId' in snapshot.target)
      return { url: '', file: await this.files.find(fileKeyOf(snapshot, snapshot.target)) };
    const { target, targetIndex } = chooseTarget(snapshot, await this.scanOf(visit, snapshot, at));
    if (!target) return { url: '' };
    const { forwardQuery, utm } = snapshot;
    const url = buildUrl(target.url, { forwardQuery, utm, query: queryOf(visit) });
    const { deepLink } = target;
    const app =
      deepLink !== undefined && isHandheld(visit) ? { deepLink, ...wayWithoutApp(snapshot, target, url) } : undefined;
    return { url, ...(targetIndex !== undefined && { targetIndex }), ...(app && { app }) };
  }

  private async scanOf(visit: Visit, snapshot: CodeSnapshot, at: Date): Promise<TargetedScan> {
    const { kind, rules = [] } = snapshot;
    const asks = (name: keyof RuleCondition): boolean => rules.some(({ when }) => when[name] !== undefined);
    const needsDevice = kind === 'app' || asks('device') || asks('os');
    const isReturning = asks('visit') ? await this.meet(visit, snapshot, at) : undefined;
    return {
      at,
      random: Math.random(),
      ...(needsDevice && deviceOf(visit)),
      ...(asks('country') && { country: this.recorder.country(visit) }),
      ...(asks('language') && { languages: acceptedLanguages(visit.headers['accept-language']) }),
      ...(asks('sticky') && { visitor: lastingVisitor(visit) }),
      ...(isReturning !== undefined && { isReturning }),
    };
  }

  /** Whoever does not know may be either: then no rule about visits matches. */
  private meet(visit: Visit, { id, workspaceId }: CodeSnapshot, at: Date): Promise<boolean | undefined> {
    const known = this.met.get(visit);
    if (known) return known;
    const visitor =
      visit.method === 'HEAD' || isPreview(visit) ? undefined : this.recorder.visitor(visit, workspaceId, at);
    const meeting = visitor === undefined ? Promise.resolve(undefined) : this.askCodeState(id, visitor);
    this.met.set(visit, meeting);
    return meeting;
  }

  private async askCodeState(codeId: string, visitor: string): Promise<boolean | undefined> {
    try {
      return await this.codeState.meet({ codeId, visitor });
    } catch (error) {
      this.logger.debug({ err: error }, 'it is not known whether a visitor returns');
      return undefined;
    }
  }
}

export const fileKeyOf = ({ workspaceId }: CodeSnapshot, { fileId }: FileTarget): FileKey => ({
  workspaceId,
  id: fileId,
});

function deviceOf({ headers }: Visit): Device {
  const { deviceType, os } = describeUserAgent(headers['user-agent']);
  return { device: targetedDevice(deviceType), os: targetedOs(os) };
}

const isHandheld = (visit: Visit): boolean => {
  const { device } = deviceOf(visit);
  return device === 'phone' || device === 'tablet';
};

/** For the draw of a sticky rule only, in which it is hashed; kept nowhere. So it may last longer than a day's pseudonym. */
const lastingVisitor = ({ ip, headers }: Visit): string => `${ip} ${headers['user-agent'] ?? ''}`;

const queryOf = ({ url = '' }: Visit): string => {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
};

/** The store when the code is of an app and its system has one; else the web. */
function wayWithoutApp(
  { target: whole }: CodeSnapshot,
  chosen: LinkTarget,
  url: string,
): Pick<AppPage, 'storeUrl' | 'webUrl'> {
  const isStore = 'fallback' in whole && (chosen.url === whole.ios || chosen.url === whole.android);
  return isStore ? { storeUrl: url, webUrl: whole.fallback } : { webUrl: url };
}
