-- KEYS: session. ARGV: key. Returns whether the session is there and was bound to none.
return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HSETNX', KEYS[1], 'key', ARGV[1]) or 0
