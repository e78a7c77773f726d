-- KEYS: key. ARGV: now, end of the idle time from now on, milliseconds to that, address or nothing, whether there is an agent, the agent.
-- Returns the fields, if the key is good and this is who may send it.
local found = redis.call('HMGET', KEYS[1], 'ends', 'idle_ends', 'address', 'agent')
local ends, idle_ends, address, agent = unpack(found)
if not ends then
  return {}
end
if ends <= ARGV[1] or idle_ends <= ARGV[1] then
  redis.call('DEL', KEYS[1])
  return {}
end
local is_sender = (address or '') == ARGV[4] and (agent and '1' or '0') == ARGV[5] and (agent or '') == ARGV[6]
if not is_sender then
  return {}
end
redis.call('HSET', KEYS[1], 'idle_ends', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HGETALL', KEYS[1])
