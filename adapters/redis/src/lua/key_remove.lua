-- KEYS: owned by the subject, outbox, channel. ARGV: what keys of keys begin with, id, the key's handle. Returns whether it was there.
local entry = redis.call('HGET', KEYS[1], ARGV[2])
if not entry then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[2])
local there = redis.call('DEL', ARGV[1] .. string.sub(entry, 13))
announce(ARGV[3])
return there
