-- Grant, after, how many.
local after = tonumber(A[2])
if after < 0 then after = 0 end
return answer(redis.call('LRANGE', P .. 'audit:' .. A[1], int(after), int(after + A[3] - 1)))
