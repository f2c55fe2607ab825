/*
 * The steps of CodeState that must be one step. Each script but READ touches keys of one hash tag only, so that a Redis
 * cluster runs it on one node. A code is a hash:
 *   snapshot    the CodeSnapshot as JSON
 *   version     its version, for the guard
 *   state, activeFrom, expiresAt, maxScans   what the gate looks at; '' for none, times in ms since the epoch
 *   used        uses known to have happened; absent means none is known
 */

/**
 * Stores a version unless a newer one is there, and tells every process. The same version again is told again: the
 * repair loop repeats a write whose message may have been lost. `used` stays: a new version knows nothing of uses.
 */
export const WRITE = `
-- KEYS  1 the code
-- ARGV  1 version  2 seconds to live  3 channel  4 the code's name on it  5… fields and values
-- Returns 1 when this version is the stored one now, 0 when a newer one was there.
local stored = tonumber(redis.call('HGET', KEYS[1], 'version') or '')
if stored and stored > tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`;

/** Reads many codes for the price of one command; a cluster, whose nodes each have some of them, would be asked one by one. */
export const READ = `
-- KEYS  the codes
-- Returns the snapshot and the uses of each, one after the other; nothing for what is not there
local found = {}
for index, key in ipairs(KEYS) do
  local fields = redis.call('HMGET', key, 'snapshot', 'used')
  found[2 * index - 1] = fields[1]
  found[2 * index] = fields[2]
end
return found
`;

/**
 * Stores what a reader found in PostgreSQL unless that version or a newer one is there. Its count of uses is worth
 * having in any case: uses are never taken back.
 */
export const FILL = `
-- KEYS  1 the code
-- ARGV  1 version  2 seconds to live  3 used  4… fields and values
local stored = redis.call('HMGET', KEYS[1], 'version', 'used')
local version = tonumber(stored[1] or '')
local used = tonumber(stored[2] or '') or 0
if tonumber(ARGV[3]) > used then
  redis.call('HSET', KEYS[1], 'used', ARGV[3])
end
if version and version >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** `decideGate` of gate.ts, line by line. */
export const GATE = `
-- KEYS  1 the code  2 the claimant's nonce for it
-- ARGV  1 now, in ms since the epoch
-- Returns the GateVerdict.
local code = redis.call('HMGET', KEYS[1], 'state', 'activeFrom', 'expiresAt', 'maxScans', 'used')
local state = code[1]
if not state then return 'unknown-here' end
local activeFrom = tonumber(code[2])
local expiresAt = tonumber(code[3])
local maxScans = tonumber(code[4])
local used = tonumber(code[5] or '') or 0
local at = tonumber(ARGV[1])

if state == 'revoked' then return 'revoked' end
if state ~= 'active' then return 'paused' end
if expiresAt and at >= expiresAt then return 'expired' end
if maxScans and used >= maxScans and redis.call('EXISTS', KEYS[2]) == 0 then return 'exhausted' end
if activeFrom and at < activeFrom then return 'not-active-yet' end
return 'open'
`;

/** Brings the arbiter's count back, and who was served. Of a code that is not stored nothing is kept. */
export const SETTLE = `
-- KEYS  1 the code  2 the claimant's nonce for it
-- ARGV  1 used  2 the nonce's seconds to live, 0 for a claimant without one
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local used = tonumber(redis.call('HGET', KEYS[1], 'used') or '') or 0
if tonumber(ARGV[1]) > used then
  redis.call('HSET', KEYS[1], 'used', ARGV[1])
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[2], '1', 'EX', ARGV[2])
end
return 1
`;
