import { accentFor, DEFAULT_PRIMARY, type Scheme } from './accent.js';

/** The look of every page. Sizes in rem, so that they follow the reader's own; nothing moves, so nothing has to stop. */
export const STYLE = `
:root{color-scheme:light dark;--text:#1a1d21;--soft:#555e68;--back:#f4f5f7;--card:#ffffff;--line:#d9dde2;--bad:#a3221a;--good:#17643a;--wait:#8a5a00}
@media (prefers-color-scheme:dark){:root{--text:#eef1f4;--soft:#a7b0ba;--back:#101316;--card:#1a1f24;--line:#343b43;--bad:#ff9c94;--good:#7fd6a0;--wait:#f0bf6a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:flex;flex-direction:column;padding:0 1rem 1.5rem;background:var(--back);color:var(--text);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
header,main,footer{width:100%;max-width:30rem;margin:0 auto}
header{display:flex;align-items:center;gap:.75rem;min-height:4.5rem;padding:1rem .25rem;font-weight:600;overflow-wrap:anywhere}
header img{display:block;height:2.5rem;max-width:9rem;object-fit:contain}
.mark{display:grid;place-items:center;flex:none;width:2.5rem;height:2.5rem;border:1px solid var(--edge);border-radius:.625rem;background:var(--accent);color:var(--on-accent);font-size:1.125rem}
main{padding:1.75rem 1.5rem;border:1px solid var(--line);border-radius:1rem;background:var(--card);box-shadow:0 1px 2px #0000000d,0 .5rem 1.5rem #0000000d}
.plain main{margin-top:1.5rem}
footer{margin-bottom:auto;padding:1rem .25rem .5rem;color:var(--soft);font-size:.875rem}
footer p{margin:0}
footer a{display:inline-block;padding:.25rem 0;color:inherit}
.ways{display:flex;flex-wrap:wrap;column-gap:1.25rem}
.centred .ways{justify-content:center}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;text-wrap:balance;overflow-wrap:anywhere}
h2{margin:1.75rem 0 .5rem;font-size:1.0625rem;line-height:1.3}
p{margin:0 0 .75rem;overflow-wrap:anywhere}
main>:last-child{margin-bottom:0}
a{color:var(--link)}
form{margin:0}
.soft{color:var(--soft)}
.lines{white-space:pre-line}
.reference{margin:1.5rem 0 0;color:var(--soft);font-size:.8125rem}
.picture{display:block;width:6rem;height:6rem;margin:0 auto 1rem;border-radius:50%;object-fit:cover;background:var(--back)}
.centred,.centred main h1,.centred main>p{text-align:center}
button,.button{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;margin-top:.75rem;padding:.625rem 1rem;border:1px solid var(--edge);border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;line-height:1.3;text-align:center;text-decoration:none;overflow-wrap:anywhere;cursor:pointer}
.button.second{border-color:var(--soft);background:transparent;color:var(--text)}
:focus-visible{outline:3px solid var(--text);outline-offset:3px}
label{display:block;margin:1rem 0 .375rem;font-weight:600}
input,select{width:100%;min-height:3rem;padding:.5rem .75rem;border:1px solid var(--soft);border-radius:.625rem;background:var(--card);color:var(--text);font:inherit}
input:focus-visible,select:focus-visible{outline-offset:0}
.wrong{margin:.75rem 0 0;padding-left:.75rem;border-left:.25rem solid var(--bad);color:var(--bad);font-weight:600}
.links{margin:1.25rem 0 0;padding:0;list-style:none}
dl{margin:1rem 0 0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0 0 .875rem;overflow-wrap:anywhere}
dd a{display:inline-block;min-height:1.75rem}
ol{margin:.5rem 0 0;padding-left:1.5rem}
li{margin-bottom:.375rem}
.copy{display:block;padding:.625rem .75rem;border:1px solid var(--line);border-radius:.625rem;background:var(--back);font:1.125rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;-webkit-user-select:all;user-select:all}
.copy+.soft{display:block;margin-top:.375rem;font-size:.875rem;line-height:1.4}
.qr{width:100%;max-width:14rem;margin:1rem auto 0;padding:.5rem;border-radius:.625rem;background:#ffffff}
.qr+p{margin-top:.75rem}
.qr svg{display:block;width:100%;height:auto}
.sign{display:block;width:3.5rem;height:3.5rem;margin:0 0 1rem;fill:none;stroke:var(--wait);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.sign.good{stroke:var(--good)}
.sign.bad{stroke:var(--bad)}
.issuer{padding:.75rem 1rem;border:1px solid var(--line);border-radius:.625rem;background:var(--back);font-weight:600}
[hidden]{display:none!important}
button:hover,.button:hover{text-decoration:underline;text-underline-offset:.2em}
@media (min-width:40rem) and (min-height:40rem){body{padding-top:7vh}}
:lang(ja){word-break:auto-phrase}
:lang(ko){word-break:keep-all}
@media (forced-colors:active){button,.button{border-color:ButtonText}}
`;

const MAX_STYLES = 500;
const accentStyles = new Map<string, string>();

/** The colours of a brand, light and dark. @param primary `#rrggbb`; absent: those of nobody in particular */
export function accentStyle(primary = DEFAULT_PRIMARY): string {
  const known = accentStyles.get(primary);
  if (known !== undefined) return known;
  const style = `${rootRule(primary, 'light')}\n@media (prefers-color-scheme:dark){${rootRule(primary, 'dark')}}`;
  if (accentStyles.size >= MAX_STYLES) accentStyles.clear();
  accentStyles.set(primary, style);
  return style;
}

function rootRule(primary: string, scheme: Scheme): string {
  const { accent, edge, onAccent, link } = accentFor(primary, scheme);
  return `:root{--accent:${accent};--edge:${edge};--on-accent:${onAccent};--link:${link}}`;
}
