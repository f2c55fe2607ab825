import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 §5.7): sorts by time of creation, so that indexes on it stay compact. */
export const newId = (): string => v7();
