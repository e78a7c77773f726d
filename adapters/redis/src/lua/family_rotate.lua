-- KEYS: family, all void handles, outbox, channel. ARGV: id, spent, successor, now, ends, milliseconds to that end, address or nothing, whether there is an
-- agent, the agent, nanoseconds for which a use is forgiven, milliseconds for which the handle is void, what keys of floors begin with, of
-- families by handle, of owners, of void handles, until when that is. Returns what became of it.
if not stands(KEYS[1], ARGV[12], ARGV[4]) then
  return 'unknown'
end
local found = redis.call('HMGET', KEYS[1], 'current', 'previous', 'used', 'address', 'handle', 'subject')
local current, previous, used, address, handle, subject = unpack(found)
local by_handle, owned = ARGV[13] .. handle, ARGV[14] .. subject
if current == ARGV[2] then
  redis.call('HSET', KEYS[1], 'current', ARGV[3], 'previous', ARGV[2], 'used', ARGV[4], 'ends', ARGV[5])
  redis.call('HDEL', KEYS[1], 'address', 'agent')
  if ARGV[7] ~= '' then
    redis.call('HSET', KEYS[1], 'address', ARGV[7])
  end
  if ARGV[8] == '1' then
    redis.call('HSET', KEYS[1], 'agent', ARGV[9])
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  redis.call('PEXPIRE', by_handle, ARGV[6])
  if redis.call('PTTL', owned) < tonumber(ARGV[6]) then
    redis.call('PEXPIRE', owned, ARGV[6])
  end
  return 'now'
end
local since = math.max(0, tonumber(ARGV[4]) - tonumber(used))
if previous == ARGV[2] and current == ARGV[3] and since < tonumber(ARGV[10]) and ARGV[7] ~= '' and address == ARGV[7] then
  return 'again'
end
make_void(ARGV[15] .. handle, math.max(1, ARGV[11]), KEYS[2], handle, ARGV[16])
redis.call('DEL', KEYS[1], by_handle)
redis.call('HDEL', owned, ARGV[1])
announce(handle)
return 'reused'
