-- KEYS: key, owned by the subject, counter. ARGV: digest, id, then the fields.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('HSET', KEYS[2], ARGV[2], string.format('%012.0f', redis.call('INCR', KEYS[3])) .. ARGV[1])
