-- KEYS: key. ARGV: when it was used.
if redis.call('EXISTS', KEYS[1]) == 1 then
  local used = redis.call('HGET', KEYS[1], 'used')
  if not used or used < ARGV[1] then
    redis.call('HSET', KEYS[1], 'used', ARGV[1])
  end
end
