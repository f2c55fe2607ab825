import { logLevel, type logCreator } from 'kafkajs';
import type { Logger } from '../logging.js';

/** What every cold start, rebalance and restart of a broker says, and what passes by itself. */
const ORDINARY =
  /coordinator is loading|not the (correct )?coordinator|coordinator is not available|rebalancing|leadership election|leader for this topic-partition|not aware of this member|response without match/i;

/**
 * kafkajs' log through ours. Its errors are warnings here: it tries again by itself, and what it gives up reaches the
 * caller or `onCrash`.
 */
export const kafkaLogCreator = (logger: Logger): logCreator => {
  const kafkaLogger = logger.child({ component: 'kafkajs' });
  return () =>
    ({ level, namespace, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } }) => {
      const isTrouble = level === logLevel.ERROR || level === logLevel.WARN;
      const isOrdinary = ORDINARY.test(message) || ORDINARY.test(String(details['error']));
      kafkaLogger[isTrouble && !isOrdinary ? 'warn' : 'debug']({ namespace, ...details }, message);
    };
};
