import type { QrQuery } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { create } from 'qrcode';

/** The modules of a QR code without its quiet zone: `size` rows of `size`. */
export interface QrSymbol {
  size: number;
  /** False outside of the symbol, too: the quiet zone is light. */
  isDark(row: number, column: number): boolean;
}

/**
 * Encodes a text in the smallest version that holds it.
 * @throws SignetError `payload-too-long` when version 40 doesn't
 */
export function encodeSymbol(payload: string, ecc: QrQuery['ecc']): QrSymbol {
  const { size, data } = encode(payload, ecc).modules;
  const isInside = (index: number): boolean => index >= 0 && index < size;
  return {
    size,
    isDark: (row, column) => isInside(row) && isInside(column) && data[row * size + column] === 1,
  };
}

function encode(payload: string, ecc: QrQuery['ecc']): ReturnType<typeof create> {
  try {
    return create(payload, { errorCorrectionLevel: ecc });
  } catch (error) {
    // The package has no error codes.
    if (!(error instanceof Error && error.message.includes('too big'))) throw error;
    throw new SignetError('payload-too-long', {
      detail: `${Buffer.byteLength(payload)} bytes do not fit into a QR code with error correction ${ecc}`,
    });
  }
}
