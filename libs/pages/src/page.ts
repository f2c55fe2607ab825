import { createHash } from 'node:crypto';
import type { PageBrand } from '@signet/contracts';
import { markup, Html } from './html.js';
import { accentStyle, STYLE } from './style.js';
import type { Texts } from './texts.js';

/** In which language a page speaks, and for whom. */
export interface PageFrame {
  texts: Texts;
  /** Whoever issued the code; absent: nobody in particular. */
  brand?: PageBrand | undefined;
}

export interface PageContent extends PageFrame {
  /** The heading, and what a chat shows of a link to the page: never a target. */
  title: string;
  /** What a chat shows under the title. */
  description?: string | undefined;
  /** What stands above the heading. */
  above?: Html | undefined;
  body: Html;
  /** The page where codes are checked leads nobody to itself. */
  isCheck?: boolean | undefined;
  /** `class` of the body. */
  layout?: 'centred' | undefined;
  /** Style of this page alone. */
  style?: string | undefined;
  /** Paths of scripts on our own origin; a page works without them. */
  scripts?: readonly string[] | undefined;
  /** Directives of the content security policy that this page needs besides, such as `connect-src 'self'`. */
  policy?: readonly string[] | undefined;
  /** What of the device the page may ask for. */
  permissions?: readonly DevicePermission[] | undefined;
}

/** A page as it is sent: the policy is the page's own, because it names the hashes of its styles. */
export interface Page {
  html: string;
  /** BCP 47, for `Content-Language`. */
  language: string;
  contentSecurityPolicy: string;
  permissionsPolicy: string;
}

/** What the pages could ask a browser for; each page is denied what it does not name. */
const DEVICE_PERMISSIONS = ['camera', 'geolocation', 'microphone'] as const;
export type DevicePermission = (typeof DEVICE_PERMISSIONS)[number];

/** Characters; chats show fewer. */
const MAX_SUMMARY = 200;

/**
 * The shell of everything that a person with a phone sees: the issuer's mark above, the way to check a code below, so
 * that people learn what a genuine code looks like. It needs no script, and under 30 KB without pictures.
 */
export function renderPage(content: PageContent): Page {
  const { texts, brand, title, description, above, body, layout, style } = content;
  const { scripts = [], policy = [], permissions = [] } = content;
  const summary = description && Array.from(description).slice(0, MAX_SUMMARY).join('');
  const styles = [STYLE, accentStyle(brand?.primaryColor), ...(style === undefined ? [] : [style])];
  const classes = [layout, brand === undefined && 'plain'].filter(Boolean).join(' ');
  const page = markup`<!doctype html>
<html lang="${texts.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}${brand && ` · ${brand.name}`}</title>
<meta property="og:title" content="${title}">
${brand && markup`<meta property="og:site_name" content="${brand.name}">\n`}${
    summary !== undefined &&
    markup`<meta name="description" content="${summary}">\n<meta property="og:description" content="${summary}">\n`
  }${styles.map((css) => Html.trusted(`<style>${css}</style>\n`))}${scripts.map(
    (path) => markup`<script type="module" src="${path}"></script>\n`,
  )}</head>
<body${classes !== '' && markup` class="${classes}"`}>
${brand && header(brand)}<main>
${above}<h1>${title}</h1>
${body}</main>
${footer(content)}</body>
</html>
`;
  return {
    html: page.text,
    language: texts.language,
    contentSecurityPolicy: contentSecurityPolicy(styles, scripts, policy),
    permissionsPolicy: DEVICE_PERMISSIONS.map((name) => `${name}=(${permissions.includes(name) ? 'self' : ''})`).join(
      ', ',
    ),
  };
}

const header = ({ name, logoUrl }: PageBrand): Html => {
  // The name stands beside it, so the picture says nothing of its own.
  const mark =
    logoUrl === null
      ? markup`<span class="mark" aria-hidden="true">${initialOf(name)}</span>`
      : markup`<img src="${logoUrl}" alt="">`;
  return markup`<header>${mark}<span>${name}</span></header>\n`;
};

const graphemes = new Intl.Segmenter();
const initialOf = (name: string): string => {
  const [first] = graphemes.segment(name);
  return first?.segment.toUpperCase() ?? '';
};

function footer({ texts: { frame }, brand, isCheck }: Pick<PageContent, 'texts' | 'brand' | 'isCheck'>): Html | false {
  const check = isCheck !== true && markup`<a href="/check">${frame.checkCode}</a>\n`;
  if (brand === undefined) return check && markup`<footer><p class="ways">${check}</p></footer>\n`;
  const { name, website, supportUrl, supportEmail } = brand;
  const help = supportUrl ?? (supportEmail === null ? null : `mailto:${supportEmail}`);
  const ways = markup`${check}${website !== null && markup`<a href="${website}">${hostOf(website)}</a>\n`}${
    help !== null && markup`<a href="${help}">${frame.help}</a>\n`
  }`;
  return markup`<footer><p>${frame.issuedBy(name)}</p><p class="ways">${ways}</p></footer>\n`;
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^www\./, '');

const MAX_HASHES = 1000;
const hashes = new Map<string, string>();

/**
 * Nothing loads but pictures from our own origin, and nothing runs. `form-action` is left out on purpose: Chromium
 * applies it to the redirect that answers the form, too, and would keep every claimant from the target.
 */
const contentSecurityPolicy = (
  styles: readonly string[],
  scripts: readonly string[],
  more: readonly string[],
): string =>
  [
    "default-src 'none'",
    `style-src ${styles.map(hashSource).join(' ')}`,
    "img-src 'self'",
    ...(scripts.length > 0 ? ["script-src 'self'"] : []),
    ...more,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

function hashSource(style: string): string {
  const known = hashes.get(style);
  if (known !== undefined) return known;
  const source = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;
  if (hashes.size >= MAX_HASHES) hashes.clear();
  hashes.set(style, source);
  return source;
}
