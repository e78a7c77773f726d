-- Before each script that makes a handle void. `left` is in milliseconds, with a margin; `ends` is when it need not be void any more, in
-- milliseconds since 1970. What is void stays so until the later of two ends.
local function make_void(key, left, all, handle, ends)
  if tonumber(left) > redis.call('PTTL', key) then
    redis.call('SET', key, '', 'PX', left)
    redis.call('ZADD', all, ends, handle)
  end
end
