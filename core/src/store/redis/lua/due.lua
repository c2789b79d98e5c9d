-- Whose, how many, and how far each is moved.
local limit, later, page = tonumber(A[2]), int(now + tonumber(A[3])), 200
local found, offset = {}, 0
repeat
  local due = redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', int(now), 'LIMIT', offset, page)
  offset = offset + #due
  for _, id in ipairs(due) do
    local grant, held_until = unpack(redis.call('HMGET', P .. 'chain:' .. id, 'grant', 'held_until'))
    -- A damaged chain must not hold up the others; whoever reads it is told.
    local owner = is_number(grant) and redis.call('HGET', P .. 'grant:' .. grant, 'client_id')
    local is_free = (tonumber(held_until) or 0) <= now
    if owner == A[1] and is_free and #found < limit then found[#found + 1] = {grant, id} end
  end
until #due < page or #found >= limit
for _, claimed in ipairs(found) do
  write('ZADD', P .. 'due', later, claimed[2])
  write('HSET', P .. 'chain:' .. claimed[2], 'due', later)
end
return answer(found)
