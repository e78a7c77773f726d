-- KEYS: owned by the subject. ARGV: what keys of sessions begin with, id. Returns the fields of the session of this id.
local entry = redis.call('HGET', KEYS[1], ARGV[2])
return entry and redis.call('HGETALL', ARGV[1] .. string.sub(entry, 13)) or {}
