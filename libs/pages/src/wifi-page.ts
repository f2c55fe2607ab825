import type { WifiPage } from '@signet/contracts';
import { renderQr } from '@signet/qr';
import { Html, markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import { wifiPayload } from './wifi-payload.js';

const QR = { format: 'svg', size: 512, margin: 4, ecc: 'M', dark: '#000000', light: '#ffffff' } as const;

/**
 * A network's name and password with the way to join it: by hand on the phone that scanned, as no browser may do it
 * for its user, and by camera on the next one. Without a description, so that no chat shows any of it.
 */
export function wifiPage(frame: PageFrame, wifi: WifiPage): Page {
  const { wifi: texts } = frame.texts;
  const { ssid, password, security, hidden } = wifi;
  const access =
    password === undefined
      ? markup`<p>${texts.noPassword}</p>\n`
      : markup`<dl>
<dt>${texts.password}</dt><dd><span class="copy" translate="no">${password}</span><span class="soft">${texts.copy}</span></dd>
<dt>${texts.security}</dt><dd>${security}</dd>
</dl>
`;
  const steps = [
    texts.openSettings,
    hidden === true ? texts.chooseHidden : texts.chooseNetwork,
    ...(password === undefined ? [] : [texts.enterPassword]),
  ];
  const body = markup`<dl>
<dt>${texts.network}</dt><dd><span class="copy" translate="no">${ssid}</span></dd>
</dl>
${access}<h2>${texts.how}</h2>
<ol>
${steps.map((step) => markup`<li>${step}</li>\n`)}</ol>
<div class="qr" role="img" aria-label="${texts.qr}">${Html.trusted(String(renderQr(wifiPayload(wifi), QR).body))}</div>
<p class="soft centred">${texts.scan}</p>
`;
  return renderPage({ ...frame, title: texts.title, body });
}
