-- Since, how many.
local last = tonumber(redis.call('ZREVRANGE', P .. 'changes', 0, 0, 'WITHSCORES')[2]) or 0
local found = {}
local entries = redis.call('ZRANGEBYSCORE', P .. 'changes', A[1], '+inf', 'WITHSCORES',
  'LIMIT', 0, A[2])
for place = 1, #entries, 2 do
  local grant = redis.call('HMGET', P .. 'grant:' .. entries[place], 'generation', 'status')
  found[#found + 1] = {entries[place], int(tonumber(entries[place + 1])), grant[1], grant[2]}
end
return answer(int(math.max(now, last)), found)
