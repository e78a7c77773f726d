-- KEYS: session, outbox, channel. ARGV: what keys of owners begin with.
local found = redis.call('HMGET', KEYS[1], 'subject', 'id', 'handle')
if found[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', ARGV[1] .. found[1], found[2])
  announce(found[3])
end
