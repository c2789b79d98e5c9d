-- Grant, old, new.
local grant = load_grant(A[1])
if not grant then return answer(0) end
local key = redis.call('HGET', grant.key, 'data_key')
if key == A[3] then
  again()
  return answer(1)
end
if key ~= A[2] then return answer(0) end
write('HSET', grant.key, 'data_key', A[3])
touch(grant)
return answer(1)
