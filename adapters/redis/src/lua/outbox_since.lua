-- KEYS: outbox. ARGV: cursor, most. Returns the number of the newest, then numbers and what is void in turn.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local page = { newest and string.match(newest[1], '^%d+') or '0' }
if ARGV[2] == '0' then
  return page
end
for _, row in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  page[#page + 1] = string.match(row[1], '^%d+')
  page[#page + 1] = row[2][2]
end
return page
