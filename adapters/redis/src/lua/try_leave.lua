-- KEYS: as for entering, then the channel on which copies are told. ARGV: as for entering, then how it ended, and the rows of the address, the
-- pair and the name. Returns which rows are full, and for how many milliseconds, in turn.
local ticket, window, known_for, longest = ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[9])
local full = {}
local function leave(row, budget, name)
  redis.call('ZREM', KEYS[row + 1], ticket)
  if ARGV[11] ~= 'refused' then
    redis.call('ZREM', KEYS[row], ticket)
    return
  end
  redis.call('ZADD', KEYS[row], text(now), ticket)
  redis.call('ZREMRANGEBYRANK', KEYS[row], 0, -(budget + 1))
  redis.call('PEXPIRE', KEYS[row], text(window))
  local left = look(KEYS[row], KEYS[row + 1], budget, window, longest)
  if left > 0 then
    full[#full + 1] = name
    full[#full + 1] = text(left)
    redis.call('PUBLISH', KEYS[9], name .. ' ' .. text(left))
  end
end
leave(1, tonumber(ARGV[3]), ARGV[12])
if ARGV[2] == '1' then
  leave(3, tonumber(ARGV[4]), ARGV[13])
  leave(5, tonumber(ARGV[5]), ARGV[14])
  if ARGV[11] == 'right' then
    redis.call('ZADD', KEYS[7], text(now), ARGV[10])
    -- One name, signed in from everywhere, cannot crowd others out.
    redis.call('ZREMRANGEBYRANK', KEYS[7], 0, -9)
    redis.call('PEXPIRE', KEYS[7], text(known_for))
  end
end
return full
