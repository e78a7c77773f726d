-- KEYS: session, owned by the subject. ARGV: id, end, milliseconds to it, share, what keys of sessions begin with, then the fields. Of too
-- many, the one that ends first makes way.
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', ARGV[5] .. id) == 0 then
    redis.call('ZREM', KEYS[2], id)
  end
end
while redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) do
  redis.call('DEL', ARGV[5] .. redis.call('ZPOPMIN', KEYS[2])[1])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], string.sub(ARGV[2], 1, 14), ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
