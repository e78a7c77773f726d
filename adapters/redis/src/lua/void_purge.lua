-- KEYS: all void handles. ARGV: now, most, what keys of void handles begin with. Returns how many went.
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, handle in ipairs(ended) do
  redis.call('DEL', ARGV[3] .. handle)
  redis.call('ZREM', KEYS[1], handle)
end
return #ended
