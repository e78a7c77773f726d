-- KEYS: owned by the subject. ARGV: what keys of sessions begin with, id, data, revision. Returns whether it was written.
local entry = redis.call('HGET', KEYS[1], ARGV[2])
local session = entry and ARGV[1] .. string.sub(entry, 13)
if not entry or redis.call('HGET', session, 'revision') ~= ARGV[4] then
  return 0
end
redis.call('HSET', session, 'data', ARGV[3])
redis.call('HINCRBY', session, 'revision', 1)
return 1
