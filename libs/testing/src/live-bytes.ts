import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** @returns how much is held outside the heap, where buffers are, after what nobody needs is collected */
export function liveBytes(): () => number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  return () => {
    collect();
    return process.memoryUsage().external;
  };
}
