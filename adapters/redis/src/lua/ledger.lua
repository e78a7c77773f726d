-- Before each script that remembers what may pass once. A ledger is a sorted set of what is remembered, by its end; `edge` is a hash with the
-- latest end that was ever put in, and the latest that was forgotten: what ends then or earlier cannot be told from what has passed.
-- Moments are milliseconds. Ends are rounded up and the present down, so that nothing is forgotten early.
local MARGIN = 3600000

local function tidy(ledger, edge, now)
  if redis.call('EXISTS', ledger) == 0 then
    -- It was empty, or Redis dropped it whole when the last had ended.
    local newest = redis.call('HGET', edge, 'newest')
    if newest then
      redis.call('HSET', edge, 'forgotten', newest)
    end
    return
  end
  local ended = redis.call('ZRANGEBYSCORE', ledger, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 64)
  if #ended > 0 then
    local latest = tonumber(ended[#ended])
    for at = 1, #ended, 2 do
      redis.call('ZREM', ledger, ended[at])
    end
    if latest > tonumber(redis.call('HGET', edge, 'forgotten') or 0) then
      redis.call('HSET', edge, 'forgotten', string.format('%.0f', latest))
    end
  end
end

-- Whether this end is so early that what has it may have been forgotten, and until when that is so.
local function forgotten(edge, ends)
  local horizon = tonumber(redis.call('HGET', edge, 'forgotten') or 0)
  return tonumber(ends) <= horizon and horizon
end

local function remember(ledger, edge, member, ends, now)
  redis.call('ZADD', ledger, ends, member)
  local newest = tonumber(redis.call('HGET', edge, 'newest') or 0)
  if tonumber(ends) > newest then
    newest = tonumber(ends)
    redis.call('HSET', edge, 'newest', ends)
  end
  redis.call('PEXPIRE', ledger, string.format('%.0f', math.max(newest - tonumber(now), 1) + MARGIN))
end
