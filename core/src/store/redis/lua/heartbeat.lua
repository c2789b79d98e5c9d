-- Node, depth, how many to answer, and the beat whose summons it has brought in what it could for.
local node, limit = A[1], tonumber(A[3])
local found, seen = {}, {}
local function summon(id)
  local grant = redis.call('HGET', P .. 'chain:' .. id, 'grant')
  if #found >= limit then return false end
  if not seen[id] and is_number(grant) then
    seen[id] = true
    found[#found + 1] = {grant, id}
  end
  return true
end

-- Beats are counted, so that a doubt and a beat within one millisecond have an order.
local beat = int(write('INCR', P .. 'beats'))
local held = redis.call('ZRANGEBYSCORE', P .. 'held:' .. node, '-inf', int(now), 'LIMIT', 0, limit)
for _, id in ipairs(held) do summon(id) end
-- The oldest doubts first. This beat summons to all doubts before it, or as far as they fit.
local summoned, reached = beat, '0'
for _, id in ipairs(redis.call('ZRANGE', P .. 'doubted', 0, limit)) do
  if not summon(id) then
    summoned = reached
    break
  end
  reached = redis.call('HGET', P .. 'chain:' .. id, 'doubted_beat') or reached
end

local heard = tonumber(redis.call('HGET', P .. 'heard', node) or 0) or 0
write('HSET', P .. 'heard', node, int(math.max(heard, tonumber(A[4]))))
write('HSET', P .. 'depths', node, A[2])
write('ZADD', P .. 'nodes', int(now), node)
return answer(found, summoned)
