// The package `qr` is served beside our own scripts, as it is; a browser knows no packages.
export { BarcodeDetector } from 'qr/decode.js';
