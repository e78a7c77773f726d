-- KEYS: outbox. ARGV: before which second, most. The newest row stays, because its number is the counter. Returns how many went.
local rows, gone = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2] + 1), 0
for at = 1, #rows - 1 do
  if tonumber(rows[at][2][4]) >= tonumber(ARGV[1]) then
    break
  end
  gone = gone + redis.call('XDEL', KEYS[1], rows[at][1])
end
return gone
