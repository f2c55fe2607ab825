// What a CPU profile says at a glance; the whole of it is for a viewer.
import { readFileSync } from 'node:fs';

const SHOWN = 25;

/** Functions of a package are one line of code to us; of ours, each is its own. */
function placeOf({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const [, path] = /.*node_modules\/(.*)/.exec(url) ?? /\/((?:libs|apps)\/.*)/.exec(url) ?? [undefined, url];
  return `${name} ${path.replace('/dist/', '/')}:${lineNumber + 1}`;
}

/** @returns the functions with the most time of their own, as shares of the time that was not idle */
export function topOfProfile(file) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame.functionName === '(idle)' || frame.functionName === '(program)') continue;
    const place = placeOf(frame);
    times.set(place, (times.get(place) ?? 0) + timeDeltas[index]);
    busy += timeDeltas[index];
  }
  const top = [...times].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
  return top.map(([place, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${place}`).join('\n');
}
