-- Application, portal, user, data key.
local identity = identity_of(A[1], A[2], A[3])
local id = redis.call('HGET', P .. 'identities', identity)
if id then
  local grant = load_grant(id)
  local key = grant and redis.call('HGET', grant.key, 'data_key')
  if not key then damaged('data_key', id) end
  again()
  return answer(id, key)
end
id = int(write('INCR', P .. 'numbers'))
write('HSET', P .. 'identities', identity, id)
write('HSET', P .. 'grant:' .. id, 'client_id', A[1], 'member_id', A[2], 'user_id', A[3],
  'status', 'active', 'generation', '0', 'data_key', A[4], 'endpoints', '', 'primary', '')
return answer(id, A[4])
