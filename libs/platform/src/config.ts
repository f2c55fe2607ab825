import { isIP } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { IP_TRUNCATIONS } from './network-address.js';
import { Secret } from './secret.js';

const secret = (schema: z.ZodType<string>) => schema.transform((text) => new Secret(text));
const list = (item: z.ZodString) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(item));
const int = (fallback: number, min: number, max: number) => z.coerce.number().int().min(min).max(max).default(fallback);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );
const cidr = z.string().refine((text) => {
  const [address = '', bits, rest] = text.split('/');
  const family = isIP(address);
  return (
    family !== 0 &&
    rest === undefined &&
    (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  );
}, 'must be an address or a CIDR');

/** Every variable that Signet reads, with its meaning; `signet config` prints this table. */
export const configVariables = {
  PORT: int(8080, 0, 65_535).describe('HTTP port (0: any free one)'),
  SIGNET_HOST: z.string().default('127.0.0.1').describe('address to listen on'),
  SIGNET_DATA_DIR: z.string().min(1).default('./data').describe('embedded stores, scan journal, generated keys'),
  SIGNET_PUBLIC_URL: url('http:', 'https:')
    .optional()
    .describe('what short URLs start with; default http://127.0.0.1:{PORT}'),
  SIGNET_BOOTSTRAP_KEY: secret(
    z
      .string()
      .min(16)
      .max(200)
      .regex(/^[\x21-\x7e]+$/, 'must be printable, without spaces'),
  )
    .optional()
    .describe('admin API key created with the first workspace; random and printed once when absent'),
  SIGNET_MASTER_KEYS: secret(z.string().min(1))
    .optional()
    .describe('key ring as id:base64 of 32 bytes, comma-separated, the first one encrypts; needed when distributed'),
  DATABASE_URL: secret(url('postgres:', 'postgresql:')).optional().describe('PostgreSQL ≥ 15; absent: embedded'),
  REDIS_URL: secret(url('redis:', 'rediss:')).optional().describe('Redis ≥ 6.2; absent: in process'),
  KAFKA_BROKERS: list(z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port'))
    .optional()
    .describe('Kafka, comma-separated; absent: embedded log'),
  SIGNET_KAFKA_REPLICATION: int(1, 1, 7).describe('replication factor of topics that Signet creates'),
  SIGNET_MIGRATE_ON_START: z
    .stringbool()
    .default(true)
    .describe('run pending migrations at start; false: `signet migrate` does'),
  SIGNET_INSTANCE: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .default(
      hostname()
        .replaceAll(/[^A-Za-z0-9._-]/g, '-')
        .slice(0, 64),
    )
    .describe('name of this process in logs and events'),
  SIGNET_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('of the JSON log on stdout'),
  SIGNET_TRUSTED_PROXIES: list(cidr).default([]).describe('CIDRs whose X-Forwarded-* headers count'),
  SIGNET_STRICT_HOSTS: z
    .stringbool()
    .default(false)
    .describe('answer 421 to hosts that are not ours also while there are no short domains'),
  SIGNET_VERIFY_DOMAINS: z
    .stringbool()
    .default(false)
    .describe('a short domain serves once a DNS record shows that it is its workspace’s'),
  SIGNET_COUNTRY_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .optional()
    .describe('header in which a trusted proxy sends the ISO country'),
  SIGNET_IP_TRUNCATION: z
    .enum(IP_TRUNCATIONS)
    .default('24/48')
    .describe('how much of an address is kept of scans and in events: bits of IPv4/IPv6; the audit log has it whole'),
  SIGNET_METRICS_ALLOW: list(cidr).default([]).describe('CIDRs that may read /metrics besides loopback and admin keys'),
  SIGNET_KEY_REQUESTS_PER_SECOND: int(100, 0, 1_000_000).describe('sustained requests of an API key (0: no limit)'),
  SIGNET_KEY_BURST: int(1000, 1, 1_000_000).describe('requests that an API key may save up'),
  SIGNET_UNKNOWN_SLUGS_PER_MINUTE: int(60, 0, 1_000_000).describe('404s of an address before 429 (0: no limit)'),
  SIGNET_CLAIMS_PER_MINUTE: int(30, 0, 1_000_000).describe('claims of an address on one code before 429 (0: no limit)'),
  SIGNET_FAILED_VERIFICATIONS_PER_MINUTE: int(60, 0, 1_000_000).describe(
    'wrong codes from one address (context.ip) before 429 (0: no limit)',
  ),
  SIGNET_WEBHOOK_ALLOW_PRIVATE: z
    .stringbool()
    .default(false)
    .describe('webhooks may lead to http:// and to private and loopback addresses'),
  SIGNET_NOTIFICATION_ALLOW_PRIVATE: z
    .stringbool()
    .default(false)
    .describe('mail and syslog servers, and webhooks of chats, may have private and loopback addresses'),
  SIGNET_WEBHOOK_LOG_DAYS: int(30, 1, 365).describe('how long deliveries of webhooks are kept'),
  SIGNET_SCAN_RETENTION_DAYS: int(90, 2, 3650).describe(
    'how long each scan, and counts by the minute, are kept; counts by hour and day stay',
  ),
  SIGNET_VERIFICATION_RETENTION_DAYS: int(90, 2, 3650).describe('how long each verification is kept for analytics'),
  SIGNET_ALERT_RETENTION_DAYS: int(365, 2, 3650).describe('how long an alert is kept after it was resolved'),
  SIGNET_AUDIT_RETENTION_DAYS: int(0, 0, 36_500).describe('how long the audit log is kept (0: for ever)'),
  SIGNET_TARGET_CHECK_INTERVAL_HOURS: int(24, 0, 720).describe('how often the targets of codes are checked (0: never)'),
  SIGNET_TARGET_CHECK_ALLOW_PRIVATE: z
    .stringbool()
    .default(false)
    .describe('checks of targets may call private addresses, too'),
  SIGNET_TARGET_CHECKS_PER_MINUTE: int(30, 0, 1_000_000).describe(
    'checks on demand of a workspace before 429 (0: no limit)',
  ),
  SIGNET_ORIGIN_CHECKS_PER_MINUTE: int(30, 0, 1_000_000).describe(
    'looks at /check of an address before 429 (0: no limit)',
  ),
  SIGNET_QUOTA_CODES: int(0, 0, 1_000_000_000).describe(
    'live codes of a workspace, unless it has its own (0: no limit)',
  ),
  SIGNET_QUOTA_WRITES_PER_MINUTE: int(0, 0, 1_000_000).describe('changing calls of an API key (0: no limit)'),
  SIGNET_QUOTA_BULK_ROWS: int(100_000, 0, 100_000).describe('rows of one bulk request (0: no limit but the format’s)'),
  SIGNET_FILE_MAX_BYTES: int(100 * 1024 * 1024, 1, 5 * 1024 ** 3).describe('of one uploaded file'),
  SIGNET_FILE_QUOTA_BYTES: int(0, 0, Number.MAX_SAFE_INTEGER).describe('of all files of a workspace (0: no limit)'),
  SIGNET_FILES_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('where uploaded files are kept without a bucket; absent: in the folder files of SIGNET_DATA_DIR'),
  SIGNET_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional()
    .describe('where uploaded files are kept; absent: in SIGNET_FILES_DIR'),
  SIGNET_S3_ENDPOINT: url('http:', 'https:').optional().describe('of an S3-compatible store; absent: AWS'),
  SIGNET_S3_REGION: z.string().min(1).max(64).default('us-east-1').describe('of the bucket'),
  SIGNET_S3_ACCESS_KEY_ID: z.string().min(1).max(200).optional().describe('absent: as the AWS SDK finds credentials'),
  SIGNET_S3_SECRET_ACCESS_KEY: secret(z.string().min(1).max(1000)).optional().describe('of SIGNET_S3_ACCESS_KEY_ID'),
  SIGNET_S3_FORCE_PATH_STYLE: z
    .stringbool()
    .default(false)
    .describe('the bucket goes into the path, not into the host: for most stores but AWS'),
  SIGNET_JOURNAL_MAX_MB: int(4096, 1, 1_000_000).describe('scan journal; above it scans are folded into counters'),
  SIGNET_JOURNAL_MAX_AGE_HOURS: int(168, 1, 720).describe(
    'how old scans in the journal may get while the log is away, which keeps them for 720; then they are folded, too',
  ),
  SIGNET_REDIRECT_WORKERS: z
    .string()
    .regex(/^(auto|[1-9]\d?)$/, 'must be a number from 1 to 99, or auto')
    .default('1')
    .transform((text) => (text === 'auto' ? availableParallelism() : Number(text)))
    .describe('processes that share the port of redirect, each with a journal of its own; auto: as many as cores'),
  SIGNET_SHUTDOWN_SECONDS: int(10, 1, 300).describe('how long a stop may take to finish what is in hand'),
} as const;

const schema = z
  .object(configVariables)
  .refine(
    ({ SIGNET_S3_ACCESS_KEY_ID: keyId, SIGNET_S3_SECRET_ACCESS_KEY: key }) =>
      (keyId === undefined) === (key === undefined),
    { path: ['SIGNET_S3_SECRET_ACCESS_KEY'], message: 'must be set together with SIGNET_S3_ACCESS_KEY_ID' },
  );
type Values = z.output<typeof schema>;

/** The settings of one process, read once. */
export class SignetConfig {
  /** @param worker its number from 1, where several processes share a port */
  constructor(
    readonly values: Values,
    readonly worker?: number,
  ) {}

  /** As one of several, under a name of its own. */
  asWorker(number: number): SignetConfig {
    return new SignetConfig({ ...this.values, SIGNET_INSTANCE: `${this.values.SIGNET_INSTANCE}-${number}` }, number);
  }

  get port(): number {
    return this.values.PORT;
  }
  get publicUrl(): string {
    return (this.values.SIGNET_PUBLIC_URL ?? `http://127.0.0.1:${this.values.PORT}`).replace(/\/+$/, '');
  }
}

export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** The variables that a distributed service cannot do without. */
export type RequiredVariable =
  | 'DATABASE_URL'
  | 'REDIS_URL'
  | 'KAFKA_BROKERS'
  | 'SIGNET_MASTER_KEYS'
  | 'SIGNET_PUBLIC_URL';

export interface ConfigNeeds {
  required?: readonly RequiredVariable[];
  defaults?: Record<string, string>;
  /** Whether this service can run as several processes. */
  workers?: boolean;
}

/**
 * @param defaults used for what the environment leaves out (a service's own port)
 * @throws ConfigError naming every variable that is wrong or missing; a secret's value is never in it
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv,
  { required = [], defaults = {}, workers = false }: ConfigNeeds = {},
): SignetConfig {
  const present = Object.entries({ ...defaults, ...environment }).filter(
    ([, value]) => value !== undefined && value !== '',
  );
  const given = Object.fromEntries(present);
  const missing = required.filter((name) => given[name] === undefined).map((name) => `${name}: must be set`);
  const parsed = schema.safeParse(given);
  const wrong = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (!parsed.success || missing.length > 0) throw new ConfigError([...missing, ...wrong]);
  if (!workers && parsed.data.SIGNET_REDIRECT_WORKERS > 1)
    throw new ConfigError(['SIGNET_REDIRECT_WORKERS: only the redirect service has workers; leave it out here']);
  return new SignetConfig(parsed.data);
}
