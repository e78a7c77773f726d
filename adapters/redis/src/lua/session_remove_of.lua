-- KEYS: owned by the subject, outbox, channel. ARGV: what keys of sessions begin with, id. Returns the fields of what is gone.
local entry = redis.call('HGET', KEYS[1], ARGV[2])
if not entry then
  return {}
end
local session = ARGV[1] .. string.sub(entry, 13)
local fields = redis.call('HGETALL', session)
redis.call('HDEL', KEYS[1], ARGV[2])
if #fields > 0 then
  announce(redis.call('HGET', session, 'handle'))
  redis.call('DEL', session)
end
return fields
