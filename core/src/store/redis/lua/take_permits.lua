-- Portal, how many requests, what the bucket may hold, what leaks in a second, how full it is at least.
-- Nothing here has to reach a replica: what a failover forgets has leaked by then.
local key = P .. 'bucket:' .. A[1]
local want, room, leak = tonumber(A[2]), tonumber(A[3]), tonumber(A[4])
local known = redis.call('HMGET', key, 'level', 'at')
local level, at = tonumber(known[1] or 0) or 0, tonumber(known[2] or 0) or 0
level = math.max(tonumber(A[5]), level - leak * math.max(now - at, 0) / 1000, 0)
local granted = math.max(0, math.min(want, math.floor(room - level + 1e-6)))
level = level + granted
local text = string.format('%.6f', level)
redis.call('HSET', key, 'level', text, 'at', int(math.max(now, at)))
redis.call('PEXPIRE', key, int(math.min(level / leak * 1000 + MINUTE, DAY)))
return answer(granted, text)
