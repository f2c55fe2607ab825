/** Reads the QR code in a frame of a camera or in a picture. @returns undefined when there is none to be read */
export type QrReader = (frame: ImageBitmapSource) => Promise<string | undefined>;

/** https://wicg.github.io/shape-detection-api/, as far as it is used here; no library of TypeScript knows it. */
interface DetectorClass {
  new (options: { formats: 'qr_code'[] }): {
    detect(source: ImageBitmapSource): Promise<readonly { rawValue: string }[]>;
  };
  getSupportedFormats(): Promise<readonly string[]>;
}
declare global {
  var BarcodeDetector: DetectorClass | undefined;
}

/** With the browser's own detector where it has one for QR codes, else with ours, which is fetched only then. */
export async function openQrReader(): Promise<QrReader> {
  const native = globalThis.BarcodeDetector;
  const isNative = native !== undefined && (await native.getSupportedFormats()).includes('qr_code');
  const Detector = isNative ? native : (await import('./qr/decode.js')).BarcodeDetector;
  const detector = new Detector({ formats: ['qr_code'] });
  return async (frame) => (await detector.detect(frame))[0]?.rawValue;
}
