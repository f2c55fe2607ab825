import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { Service } from './process.mjs';

const OLDEST_JAVA = 17;
const pom = fileURLToPath(new URL('../../deploy/kafka/pom.xml', import.meta.url));
const libs = (directory) => process.env.SIGNET_KAFKA_LIBS ?? join(directory, 'kafka', 'libs');
const hasJars = (folder) => existsSync(folder) && readdirSync(folder).some((name) => /^kafka_.*\.jar$/.test(name));

/** @returns {{available: true, java: string} | {available: false, reason: string}} */
export function findKafka(directory) {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';
  if (javaVersion(java) < OLDEST_JAVA) return { available: false, reason: `no Java ${OLDEST_JAVA} or newer` };
  if (hasJars(libs(directory)) || runs('mvn')) return { available: true, java };
  return { available: false, reason: `neither mvn nor Kafka's jars in ${libs(directory)}` };
}

/** Fetches the jars the first time (about 43 MB), writes the configuration and formats the data folder. */
export function prepareKafka({ directory, port, controllerPort, found }) {
  const home = join(directory, 'kafka');
  mkdirSync(home, { recursive: true });
  const jars = libs(directory);
  if (!hasJars(jars)) fetchJars(jars);
  const properties = join(home, 'server.properties');
  writeFileSync(properties, serverProperties({ home, port, controllerPort }));
  writeFileSync(join(home, 'log4j2.properties'), LOGGING);
  const jvm = [
    '-Xms128m',
    '-Xmx512m',
    `-Dkafka.logs.dir=${home}`,
    `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
    '-cp',
    join(jars, '*'),
  ];
  if (!existsSync(join(home, 'data', 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '-t', randomBytes(16).toString('base64url'), '-c', properties];
    execFileSync(found.java, [...jvm, ...format], { stdio: 'pipe' });
  }
  const brokers = `127.0.0.1:${port}`;
  const service = new Service({
    name: 'kafka',
    directory,
    marker: properties,
    command: [found.java, ...jvm, 'kafka.Kafka', properties],
    options: { cwd: home },
    stopSignal: 'SIGTERM',
    probe: () => describe(brokers),
  });
  return { service, url: brokers };
}

function javaVersion(java) {
  try {
    // `java -version` answers on stderr; `--version`, which Java 9 brought, on stdout.
    const text = execFileSync(java, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(/(\d+)/.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function runs(command) {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function fetchJars(target) {
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  execFileSync('mvn', ['-q', '-B', '-f', pom, ...goal], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
}

async function describe(brokers) {
  const kafka = new kafkajs.Kafka({
    clientId: 'signet-services',
    brokers: [brokers],
    connectionTimeout: 1000,
    requestTimeout: 2000,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

/** One node that is broker and controller (KRaft), for one machine: every internal topic has one replica. A
 * broker that was killed may register again after its session's end: 3 s here, not the usual 9. */
const serverProperties = ({ home, port, controllerPort }) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=${join(home, 'data')}
num.partitions=1
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=10485760
`;

const LOGGING = `status=error
rootLogger.level=warn
rootLogger.appenderRef.o.ref=O
appender.o.type=Console
appender.o.name=O
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d %p %c %m%n
`;
