-- KEYS: session. ARGV: when it was used.
local used = redis.call('HGET', KEYS[1], 'used')
if used and used < ARGV[1] then
  redis.call('HSET', KEYS[1], 'used', ARGV[1])
end
