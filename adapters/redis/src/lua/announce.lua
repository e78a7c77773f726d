-- Before each script that makes something void. The last two keys are the outbox, a stream whose ids are numbers without a gap, and the
-- channel on which other copies hear of a row without reading.
local outbox, channel = KEYS[#KEYS - 1], KEYS[#KEYS]
local function announce(voided)
  local newest = redis.call('XREVRANGE', outbox, '+', '-', 'COUNT', 1)[1]
  local number = string.format('%.0f', newest and string.match(newest[1], '^%d+') + 1 or 1)
  redis.call('XADD', outbox, 'MAXLEN', '~', 100000, number .. '-0', 'voided', voided, 'at', redis.call('TIME')[1])
  redis.call('PUBLISH', channel, number .. ' ' .. voided)
end
