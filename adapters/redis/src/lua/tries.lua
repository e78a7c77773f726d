-- Before each script that counts tries. A row is two sorted sets, of tries that were wrong and of tries that run, each by its time in
-- milliseconds by the clock of this server, which is one for all copies. A member is the ticket of a try.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number)
  return string.format('%.0f', number)
end

-- Full, for how many milliseconds; or whether tries that run are in the way.
local function look(wrong, running, budget, window, longest)
  -- What never said how it ended was wrong when it began.
  local lost = redis.call('ZRANGEBYSCORE', running, '-inf', text(now - longest), 'WITHSCORES')
  for at = 1, #lost, 2 do
    redis.call('ZREM', running, lost[at])
    redis.call('ZADD', wrong, lost[at + 1], lost[at])
    redis.call('PEXPIRE', wrong, text(window))
  end
  redis.call('ZREMRANGEBYSCORE', wrong, '-inf', text(now - window))
  local spent = redis.call('ZCARD', wrong)
  if spent >= budget then
    return redis.call('ZRANGE', wrong, -budget, -budget, 'WITHSCORES')[2] + window - now, false
  end
  return 0, spent + redis.call('ZCARD', running) >= budget
end
