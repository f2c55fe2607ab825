import { createHash } from 'node:crypto';
import { escapeHtml } from './html.js';
import type { PageText, Texts } from './texts.js';

const style = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#57606a;--back:#f6f7f9;--card:#ffffff;--accent:#0b5cad;--on-accent:#ffffff}
@media (prefers-color-scheme:dark){:root{--text:#f0f2f5;--soft:#a9b3be;--back:#14171a;--card:#1f2429;--accent:#79b8ff;--on-accent:#10161d}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--text);font:1.0625rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:30rem;padding:2rem;border-radius:1rem;background:var(--card)}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;text-wrap:balance}
p{margin:0 0 .75rem;overflow-wrap:anywhere}
.reference{margin:1.5rem 0 0;color:var(--soft);font-size:.8125rem}
button{width:100%;min-height:3rem;margin-top:.75rem;padding:.75rem 1rem;border:0;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:3px solid var(--text);outline-offset:3px}
:lang(ja){word-break:auto-phrase}
:lang(ko){word-break:keep-all}
`;

/**
 * Nothing may load or run. `form-action` is left out on purpose: Chromium applies it to the redirect that answers the
 * form, too, and would keep every claimant from the target.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @param body HTML */
function page({ language }: Texts, { title, happened, todo }: PageText, body: string): string {
  return `<!doctype html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(happened)}</p>
<p>${escapeHtml(todo)}</p>
${body}</main>
</body>
</html>
`;
}

export interface ClaimPage {
  slug: string;
  nonce: string;
  maxScans: number;
}

/** The page before a use: shows no target, and uses something only when a person presses the button. */
export function claimPage(texts: Texts, { slug, nonce, maxScans }: ClaimPage): string {
  const form = `<form method="post" action="/${escapeHtml(encodeURIComponent(slug))}/claim">
<input type="hidden" name="nonce" value="${escapeHtml(nonce)}">
<button type="submit">${escapeHtml(texts.claimButton)}</button>
</form>
`;
  return page(texts, maxScans === 1 ? texts.claimOnce : texts.claimLimited, form);
}

export interface ProblemPage {
  text: PageText;
  /** More sentences that only this request needs. */
  notes: string[];
  requestId: string;
}

/** What happened, what to do, and by which number we find the request again. */
export function problemPage(texts: Texts, { text, notes, requestId }: ProblemPage): string {
  const paragraphs = notes.map((note) => `<p>${escapeHtml(note)}</p>\n`).join('');
  const reference = `<p class="reference">${escapeHtml(texts.reference(requestId))}</p>\n`;
  return page(texts, text, paragraphs + reference);
}
