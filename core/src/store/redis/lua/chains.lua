local found = {}
for _, id in ipairs(redis.call('SMEMBERS', P .. 'chains:' .. A[1])) do
  found[#found + 1] = {id, redis.call('HGETALL', P .. 'chain:' .. id)}
end
return answer(int(now), epoch(), found)
