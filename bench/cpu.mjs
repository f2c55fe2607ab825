// CPU time of processes, for the benchmarks.
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms. */
const TICKS_A_SECOND = 100;

/** The fields of /proc/<pid>/stat behind the name, which may hold blanks and brackets. */
const statOf = (pid) => {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

/**
 * @returns the CPU seconds of a process and its children, those that have ended too; NaN where there is no /proc. A
 *   PostgreSQL is its postmaster, whose children are the sessions.
 */
export function cpuSeconds(pid) {
  try {
    let ticks = statOf(pid)
      .slice(11, 15)
      .reduce((sum, value) => sum + Number(value), 0);
    for (const other of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = statOf(other);
        if (Number(stat[1]) === pid) ticks += Number(stat[11]) + Number(stat[12]);
      } catch {
        // It has ended meanwhile.
      }
    }
    return ticks / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}
