-- KEYS: ledger, edge, what its scope holds. ARGV: member, end, now, most, share. Returns what it is, and for how long.
local member, ends, now = ARGV[1], ARGV[2], ARGV[3]
tidy(KEYS[1], KEYS[2], now)
local known = redis.call('ZSCORE', KEYS[1], member)
if known and tonumber(known) > tonumber(now) then
  return { 'seen', 0 }
end
local horizon = forgotten(KEYS[2], ends)
if horizon then
  return { 'set back', string.format('%.0f', math.max(horizon - now, 0)) }
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local frees = 0
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[5]) then
  frees = tonumber(redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2])
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  frees = math.max(frees, tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]))
end
if frees > 0 then
  return { 'full', string.format('%.0f', math.max(frees - now, 1)) }
end
remember(KEYS[1], KEYS[2], member, ends, now)
redis.call('ZADD', KEYS[3], ends, member)
local last = tonumber(redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2])
redis.call('PEXPIRE', KEYS[3], string.format('%.0f', math.max(last - now, 1) + MARGIN))
return { 'new', 0 }
