-- KEYS: wrong and running of the address; of the pair and of the name likewise; where the name is known; its turn. ARGV: ticket, whether there
-- is a name, budgets of address, pair and name, window, trickle, for how long it is known, the longest run, the address. Returns what it is,
-- and for how long.
local ticket, window, trickle, known_for, longest = ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local named, takes_turn = ARGV[2] == '1', false
local rows = { 1 }
local wait, undecided = look(KEYS[1], KEYS[2], tonumber(ARGV[3]), window, longest)
if named then
  rows = { 1, 3, 5 }
  local left, runs = look(KEYS[3], KEYS[4], tonumber(ARGV[4]), window, longest)
  wait, undecided = math.max(wait, left), undecided or runs
  local known = redis.call('ZSCORE', KEYS[7], ARGV[10])
  left, runs = look(KEYS[5], KEYS[6], tonumber(ARGV[5]), window, longest)
  if not known or tonumber(known) + known_for <= now then
    if left > 0 then
      takes_turn = true
      wait = math.max(wait, tonumber(redis.call('GET', KEYS[8]) or 0) - now)
    else
      undecided = undecided or runs
    end
  end
end
if wait > 0 then
  return { 'full', text(wait) }
end
if undecided then
  return { 'undecided', '0' }
end
for _, row in ipairs(rows) do
  redis.call('ZADD', KEYS[row + 1], text(now), ticket)
  redis.call('PEXPIRE', KEYS[row + 1], text(window + longest))
end
if takes_turn then
  redis.call('SET', KEYS[8], text(now + trickle), 'PX', text(trickle))
end
return { 'now', '0' }
