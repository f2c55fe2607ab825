export { contrastRatio, MIN_CONTRAST } from './contrast.js';
export { renderQr, type QrImage } from './render-qr.js';
export { renderTerminalQr } from './terminal.js';
