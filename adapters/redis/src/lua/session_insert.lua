-- KEYS: session, owned by the subject, counter. ARGV: digest, id, milliseconds to its end, most, what keys of sessions begin with,
-- then the fields. Returns the ids of those that made way.
-- What a subject owns is a hash: under each id a number of twelve digits that grows, and the digest.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local number = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[2], ARGV[2], string.format('%012.0f', number) .. ARGV[1])

local owned, live, longest = redis.call('HGETALL', KEYS[2]), {}, 1
for at = 1, #owned, 2 do
  local session = ARGV[5] .. string.sub(owned[at + 1], 13)
  local left = redis.call('PTTL', session)
  if left < 0 then
    redis.call('HDEL', KEYS[2], owned[at])
  else
    live[#live + 1] = { owned[at + 1], owned[at], session }
    longest = math.max(longest, left)
  end
end
table.sort(live, function(one, other) return one[1] < other[1] end)
local gone = {}
for at = 1, #live - tonumber(ARGV[4]) do
  announce(redis.call('HGET', live[at][3], 'handle'))
  redis.call('DEL', live[at][3])
  redis.call('HDEL', KEYS[2], live[at][2])
  gone[#gone + 1] = live[at][2]
end
redis.call('PEXPIRE', KEYS[2], longest)
return gone
