import type { WifiPage } from '@signet/contracts';

/** What a phone's camera joins a network by (the format of ZXing, which Android and iOS follow). */
export function wifiPayload({ ssid, security, password, hidden }: WifiPage): string {
  const fields = [
    `T:${security}`,
    `S:${escapeField(ssid)}`,
    ...(password === undefined ? [] : [`P:${escapeField(password)}`]),
    ...(hidden === true ? ['H:true'] : []),
  ];
  return `WIFI:${fields.join(';')};;`;
}

const escapeField = (text: string): string => text.replaceAll(/[\\;,:"]/g, String.raw`\$&`);
