-- KEYS: owned by the subject. ARGV: what the keys of records begin with. Returns the number and the fields of each.
local owned, listed = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #owned, 2 do
  local fields = redis.call('HGETALL', ARGV[1] .. string.sub(owned[at + 1], 13))
  if #fields > 0 then
    listed[#listed + 1] = { string.sub(owned[at + 1], 1, 12), fields }
  end
end
return listed
