-- KEYS: floor, families of the subject, outbox, channel. ARGV: when, the subject's handle, what keys of families begin with,
-- what keys of their handles begin with.
local revoked_at = redis.call('HGET', KEYS[1], 'revoked_at')
redis.call('HINCRBY', KEYS[1], 'generation', 1)
if not revoked_at or revoked_at < ARGV[1] then
  redis.call('HSET', KEYS[1], 'revoked_at', ARGV[1])
end
for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
  local handle = redis.call('HGET', ARGV[3] .. id, 'handle')
  if handle then
    redis.call('DEL', ARGV[3] .. id, ARGV[4] .. handle)
  end
end
redis.call('DEL', KEYS[2])
announce(ARGV[2])
