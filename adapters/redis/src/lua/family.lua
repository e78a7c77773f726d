-- Before each script that asks for a family: whether it has not ended at `now` and is of its subject's generation.
local function stands(family, floors, now)
  local found = redis.call('HMGET', family, 'subject', 'generation', 'ends')
  if not found[1] or found[3] <= now then
    return false
  end
  local floor = redis.call('HGET', floors .. found[1], 'generation') or '0'
  return tonumber(found[2]) >= tonumber(floor)
end
