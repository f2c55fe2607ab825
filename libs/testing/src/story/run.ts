/** A running Signet, embedded or distributed, seen from outside: one origin, an admin key, and ways to hurt it. */
export interface Run {
  name: 'embedded' | 'distributed';
  url: string;
  key: string;
  /** `kill -9` of the process that redirects, at this moment. */
  killRedirect(): Promise<void>;
  /** Starts it again and waits until it is ready. */
  startRedirect(): Promise<void>;
  /** The real servers of the distributed run. */
  stores?: RunStores;
  stop(): Promise<void>;
}

export type StoreName = 'postgres' | 'redis' | 'kafka';

export interface RunStores {
  /** Ends a server at once, without a goodbye to its clients. */
  kill(name: StoreName): Promise<void>;
  /** Starts it again on the same port and data; resolves when it answers. */
  start(name: StoreName): Promise<void>;
  flushRedis(): Promise<void>;
}
