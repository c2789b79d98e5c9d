-- 'one' and a number; or 'page', the number after which to start, and how many.
local ids
if A[1] == 'one' then
  ids = {A[2]}
else
  ids = redis.call('ZRANGEBYSCORE', P .. 'grants', '(' .. A[2], '+inf', 'LIMIT', 0, A[3])
end
local found = {}
for _, id in ipairs(ids) do
  local grant = redis.call('HGETALL', P .. 'grant:' .. id)
  local primary = redis.call('HGET', P .. 'grant:' .. id, 'primary')
  if #grant == 0 and A[1] == 'page' then damaged('status', id) end
  if #grant > 0 and primary ~= '' then
    if not primary then damaged('primary', id) end
    found[#found + 1] = {id, grant, primary, redis.call('HGETALL', P .. 'chain:' .. primary)}
  end
end
return answer(int(now), epoch(), found)
