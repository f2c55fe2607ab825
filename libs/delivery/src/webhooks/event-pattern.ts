/** Whether an endpoint that asked for these patterns is told of an event of this type. */
export const isWanted = (patterns: readonly string[], type: string): boolean =>
  patterns.some((pattern) => pattern === '*' || pattern === type || pattern === `${type.split('.')[0]}.*`);
