-- KEYS: ledger, edge, counts of the key. ARGV: member, end, now, most, count, how far below the highest a count may come. Returns what it is,
-- and for how long.
local member, ends, now, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
tidy(KEYS[1], KEYS[2], now)
if forgotten(KEYS[2], ends) then
  return { 'seen', 0 }
end
if not redis.call('ZSCORE', KEYS[1], member) then
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
    local frees = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
    return { 'full', string.format('%.0f', math.max(frees - now, 1)) }
  end
  redis.call('DEL', KEYS[3])
  remember(KEYS[1], KEYS[2], member, ends, now)
end
local highest = redis.call('ZRANGE', KEYS[3], -1, -1)[1]
local lowest = math.max(tonumber(highest or count), count) - tonumber(ARGV[6])
if count < lowest or redis.call('ZADD', KEYS[3], ARGV[5], ARGV[5]) == 0 then
  return { 'seen', 0 }
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('(%.0f', lowest))
redis.call('PEXPIRE', KEYS[3], string.format('%.0f', math.max(ends - now, 1) + MARGIN))
return { 'new', 0 }
