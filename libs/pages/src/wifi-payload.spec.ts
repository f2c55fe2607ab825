import { wifiPayload } from './wifi-payload.js';

describe('wifiPayload', () => {
  it.each([
    [{ ssid: 'Guests', security: 'WPA', password: 'come in' }, 'WIFI:T:WPA;S:Guests;P:come in;;'],
    [{ ssid: 'Open', security: 'nopass' }, 'WIFI:T:nopass;S:Open;;'],
    [{ ssid: 'Away', security: 'WEP', password: 'abcde', hidden: true }, 'WIFI:T:WEP;S:Away;P:abcde;H:true;;'],
    [
      { ssid: 'a;b:c', security: 'WPA', password: String.raw`"x\y,z"` },
      String.raw`WIFI:T:WPA;S:a\;b\:c;P:\"x\\y\,z\";;`,
    ],
  ] as const)('of %j can be read by a camera', (wifi, payload) => {
    expect(wifiPayload({ type: 'wifi', ...wifi })).toBe(payload);
  });
});
