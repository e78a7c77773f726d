-- KEYS: key, owned by the subject. ARGV: digest, end of its idle time, milliseconds to that end, milliseconds to its end, share, what keys of
-- bound keys begin with, then the fields. Of too many, the one that was idle longest makes way.
for _, digest in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local idle_ends = redis.call('HGET', ARGV[6] .. digest, 'idle_ends')
  if idle_ends then
    redis.call('ZADD', KEYS[2], string.sub(idle_ends, 1, 14), digest)
  else
    redis.call('ZREM', KEYS[2], digest)
  end
end
while redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) do
  redis.call('DEL', ARGV[6] .. redis.call('ZPOPMIN', KEYS[2])[1])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], string.sub(ARGV[2], 1, 14), ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
