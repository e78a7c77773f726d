-- KEYS: owned by the subject, outbox, channel. ARGV: what keys of sessions begin with, the subject's handle.
for _, entry in ipairs(redis.call('HVALS', KEYS[1])) do
  redis.call('DEL', ARGV[1] .. string.sub(entry, 13))
end
redis.call('DEL', KEYS[1])
announce(ARGV[2])
