import { afterFailure, attemptsLeft, secondsToWait, type Throttle } from './throttle.js';

const at = new Date('2026-11-24T12:00:00Z');
const afterFailures = (count: number): Throttle =>
  Array.from({ length: count }).reduce<Throttle>((throttle) => afterFailure(throttle, at), {
    failures: 0,
    waitUntil: null,
  });

describe('the throttle', () => {
  it.each([
    [1, 0],
    [4, 0],
    [5, 30],
    [6, 60],
    [7, 120],
    [8, 240],
    [11, 1920],
    [12, 3600],
    [20, 3600],
    [2000, 3600],
  ])('after %i failures in a row waits %i s', (failures, seconds) => {
    expect(secondsToWait(afterFailures(failures), at)).toBe(seconds);
  });

  it('ends a wait when its time has come', () => {
    const throttle = afterFailures(5);
    expect(secondsToWait(throttle, new Date(at.getTime() + 29_999))).toBe(1);
    expect(secondsToWait(throttle, new Date(at.getTime() + 30_000))).toBe(0);
  });

  it('counts down the failures that are free', () => {
    expect([0, 1, 4, 5, 6].map((count) => attemptsLeft(afterFailures(count)))).toEqual([5, 4, 1, 0, 0]);
  });
});
