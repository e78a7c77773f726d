-- KEYS: floor, then void handles. Returns the generation, when it was revoked, and whether one of the handles is void.
local floor = redis.call('HMGET', KEYS[1], 'generation', 'revoked_at')
local void = #KEYS > 1 and redis.call('EXISTS', unpack(KEYS, 2)) or 0
return { floor[1] or '0', floor[2], void }
