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
  kafka?: { stop(): Promise<void>; start(): Promise<void> };
  redis?: { flush(): Promise<void> };
  stop(): Promise<void>;
}
