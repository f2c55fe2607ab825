import { describeStory, startDistributed } from '@signet/testing';

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;

if (SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS)
  describeStory('distributed', startDistributed);
else
  describe.skip('the story, distributed (PostgreSQL, Redis or Kafka is not here)', () => {
    it.todo('is left out');
  });
