-- Before each script that makes a handle void. `left` is in milliseconds. What is void stays so until the later of two ends.
local function make_void(key, left)
  if tonumber(left) > redis.call('PTTL', key) then
    redis.call('SET', key, '', 'PX', left)
  end
end
