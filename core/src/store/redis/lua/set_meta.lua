-- Name, '1' if a value is expected, that value, the new value.
local value = redis.call('HGET', P .. 'meta', A[1])
local is_expected
if A[2] == '1' then is_expected = value == A[3] else is_expected = not value end
if is_expected then
  write('HSET', P .. 'meta', A[1], A[4])
  value = A[4]
else
  again()
end
return answer(value or '')
