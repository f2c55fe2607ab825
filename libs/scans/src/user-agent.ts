import type { ScanData } from '@signet/contracts';
import { isbot } from 'isbot';
import { lru } from 'tiny-lru';
import { UAParser } from 'ua-parser-js';

/** What a user agent says of itself; unknown values are absent. */
export interface Device {
  deviceType?: ScanData['deviceType'];
  os?: string;
  browser?: string;
  bot: boolean;
  /** A program that fetches a link to show a card of it, before any person has opened it. */
  preview: boolean;
}

/** Longer ones say nothing more; ua-parser-js stops at 500 as well. */
export const MAX_USER_AGENT_LENGTH = 500;
const REMEMBERED = 5000;

/** In the order of their reach; the name as the sender writes it, so that apps of the same house don't match. */
const LINK_PREVIEWS = new RegExp(
  [
    'facebookexternalhit',
    'facebookcatalog',
    'Facebot',
    'meta-externalfetcher',
    '^WhatsApp/',
    'TelegramBot',
    'Twitterbot',
    'Slackbot',
    'Slack-ImgProxy',
    'SkypeUriPreview',
    'MicrosoftPreview',
    'BingPreview',
    'LinkedInBot',
    'Discordbot',
    'redditbot',
    'Pinterestbot',
    'Snap URL Preview',
    '^Viber/',
    'line-poker',
    'kakaotalk-scrap',
    'vkShare',
    'XING-contenttabreceiver',
    'Bluesky Cardyb',
    'Mastodon/',
    'Pleroma',
    'Akkoma',
    'Misskey/',
    'Synapse \\(bot',
    'ZulipURLPreview',
    'Mattermost-Bot',
    'Rocket\\.Chat',
    'Google-PageRenderer',
    'Iframely',
    'Embedly',
  ].join('|'),
  'i',
);

/** Names as `by.os` and `by.browser` of the analytics show them. */
const osNames: Readonly<Record<string, string>> = {
  'Mac OS': 'macOS',
  'Chromium OS': 'Chrome OS',
  'Windows Phone': 'Windows',
  'Windows Mobile': 'Windows',
  Ubuntu: 'Linux',
  Debian: 'Linux',
  Fedora: 'Linux',
  SUSE: 'Linux',
  'Red Hat': 'Linux',
  CentOS: 'Linux',
  Gentoo: 'Linux',
  Arch: 'Linux',
  Mint: 'Linux',
  Mageia: 'Linux',
  'Android-x86': 'Android',
};
const browserNames: Readonly<Record<string, string>> = {
  'Mobile Safari': 'Safari',
  'Mobile Firefox': 'Firefox',
  'Mobile Chrome': 'Chrome',
  'Chrome Headless': 'Chrome',
};
const deviceTypes: Readonly<Record<string, ScanData['deviceType']>> = { mobile: 'phone', tablet: 'tablet' };
const desktopSystems = new Set(['Windows', 'macOS', 'Linux', 'Chrome OS']);

const remembered = lru<Device>(REMEMBERED);

/**
 * iPadOS Safari calls itself a Mac and is one here; since Chrome 110 the version and model of an Android are invented,
 * and neither is kept.
 */
export function describeUserAgent(userAgent: string | undefined): Readonly<Device> {
  if (!userAgent) return nobody;
  const text = userAgent.slice(0, MAX_USER_AGENT_LENGTH);
  const known = remembered.get(text);
  if (known) return known;
  const device = parseUserAgent(text);
  remembered.set(text, device);
  return device;
}

const nobody: Readonly<Device> = { bot: false, preview: false };

function parseUserAgent(text: string): Device {
  const preview = LINK_PREVIEWS.test(text);
  if (preview || isbot(text)) return { deviceType: 'bot', bot: true, preview };
  const parsed = new UAParser(text).getResult();
  const os = parsed.os.name && (osNames[parsed.os.name] ?? parsed.os.name);
  const browser = parsed.browser.name && (browserNames[parsed.browser.name] ?? parsed.browser.name);
  return {
    deviceType: deviceTypeOf(parsed.device.type, os),
    ...(os ? { os } : {}),
    ...(browser ? { browser } : {}),
    bot: false,
    preview: false,
  };
}

function deviceTypeOf(type: string | undefined, os: string | undefined): ScanData['deviceType'] {
  if (type !== undefined) return deviceTypes[type] ?? 'other';
  return os !== undefined && desktopSystems.has(os) ? 'desktop' : 'other';
}

/** Whether a browser only fetches ahead (`prefetch`, `prefetch;prerender`, Safari's top sites: `preview`). */
export function isPrefetch(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const purpose = headers['sec-purpose'] ?? headers['purpose'] ?? headers['x-purpose'] ?? headers['x-moz'];
  return purpose !== undefined && /prefetch|prerender|preview/i.test(String(purpose));
}
