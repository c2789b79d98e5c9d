-- Chain, parent, which has to be the chain's pair now.
if redis.call('HGET', P .. 'chain:' .. A[1], 'lineage') ~= A[2] then return answer({}) end
local key = P .. 'orphan:' .. A[1] .. ':' .. A[2]
if not is_living(redis.call('HGET', key, 'expires')) then return answer({}) end
return answer(redis.call('HGETALL', key))
