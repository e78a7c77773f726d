-- KEYS: family, families of the subject, counter, family by its handle. ARGV: id, now, milliseconds to its end, most, what keys of families
-- begin with, of floors, of handles, then the fields.
local owned, live, longest = redis.call('HGETALL', KEYS[2]), {}, tonumber(ARGV[3])
local function forget(id)
  local family = ARGV[5] .. id
  local handle = redis.call('HGET', family, 'handle')
  redis.call('DEL', family)
  redis.call('HDEL', KEYS[2], id)
  if handle then
    redis.call('DEL', ARGV[7] .. handle)
  end
end
for at = 1, #owned, 2 do
  local family = ARGV[5] .. owned[at]
  if stands(family, ARGV[6], ARGV[2]) then
    live[#live + 1] = { tonumber(owned[at + 1]), owned[at] }
    longest = math.max(longest, redis.call('PTTL', family))
  else
    forget(owned[at])
  end
end
table.sort(live, function(one, other) return one[1] < other[1] end)
for at = 1, #live + 1 - math.max(1, tonumber(ARGV[4])) do
  forget(live[at][2])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 8))
redis.call('HSET', KEYS[2], ARGV[1], redis.call('INCR', KEYS[3]))
redis.call('SET', KEYS[4], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
redis.call('PEXPIRE', KEYS[2], math.max(1, longest))
