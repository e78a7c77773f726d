-- KEYS: family. ARGV: what keys of floors begin with, now. Returns the fields.
return stands(KEYS[1], ARGV[1], ARGV[2]) and redis.call('HGETALL', KEYS[1]) or {}
