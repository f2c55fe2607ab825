import { prefersJson } from './accept.js';

describe('prefersJson', () => {
  it.each([
    ['application/json', true],
    ['application/problem+json, text/html;q=0.9', true],
    ['text/html;q=0.5, application/json;q=0.8', true],
    ['application/json, text/plain, */*', true],
    ['text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8', false],
    ['text/html;q=0.9, application/json;q=0', false],
    ['*/*', false],
    ['application/jsonp', false],
    [undefined, false],
  ])('answers %s with JSON: %s', (accept, expected) => {
    expect(prefersJson(accept)).toBe(expected);
  });
});
