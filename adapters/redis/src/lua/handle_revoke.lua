-- KEYS: void handle, family by its handle, all void handles, outbox, channel. ARGV: milliseconds until it may be forgotten, the handle, what
-- keys of families begin with, what keys of their owners begin with, its end.
make_void(KEYS[1], math.max(1, ARGV[1]), KEYS[3], ARGV[2], ARGV[5])
local id = redis.call('GET', KEYS[2])
if id then
  local subject = redis.call('HGET', ARGV[3] .. id, 'subject')
  redis.call('DEL', ARGV[3] .. id, KEYS[2])
  if subject then
    redis.call('HDEL', ARGV[4] .. subject, id)
  end
end
announce(ARGV[2])
