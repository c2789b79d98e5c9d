-- Grant, chain, user, nothing, endpoints, pair.
local grant = load_grant(A[1])
if not grant then return answer('') end
local id, user, pair = A[2], A[3], pair_from(6)
local identity = identity_of(grant.client_id, grant.member_id, user)
local owner = redis.call('HGET', P .. 'identities', identity)
if owner and owner ~= grant.id then return answer('') end
if is_living(redis.call('GET', P .. 'installed:' .. pair.lineage)) and owner == grant.id then
  again()
  return answer(grant.generation)
end
if redis.call('EXISTS', P .. 'chain:' .. id) == 1 then fail('taken ' .. id) end
if is_known(pair.hash) then return answer('') end

for _, chain in ipairs(chains_of(grant)) do delete_chain(chain) end
write('HDEL', P .. 'identities', identity_of(grant.client_id, grant.member_id, grant.user_id))
write('HSET', P .. 'identities', identity, grant.id)
write('HSET', grant.key, 'user_id', user)
remember_installed(pair.lineage)
set_status(grant, 'active')
make_primary(grant, id, A[5])
next_generation(grant)
create_chain(id, grant, 'primary', pair)
changed(grant, 'transferred', id, pair.lineage)
return answer(grant.generation)
