-- KEYS: families of the subject. ARGV: what keys of families begin with, of floors, now. Returns the number and the fields of each.
local owned, listed = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #owned, 2 do
  local family = ARGV[1] .. owned[at]
  if stands(family, ARGV[2], ARGV[3]) then
    listed[#listed + 1] = { string.format('%020.0f', owned[at + 1]), redis.call('HGETALL', family) }
  end
end
return listed
