-- Grant, chain, role, what the former primary becomes, endpoints, pair.
local grant = load_grant(A[1])
if not grant then fail('unknown ' .. A[1]) end
local id, role, pair = A[2], A[3], pair_from(6)
if is_living(redis.call('GET', P .. 'installed:' .. pair.lineage)) then
  again()
  return answer('before')
end
if is_known(pair.hash) then return answer('known') end
if redis.call('EXISTS', P .. 'chain:' .. id) == 1 then fail('taken ' .. id) end
local former = grant.primary ~= '' and load_chain(grant.primary) or nil
if grant.primary ~= '' and not former then damaged('primary', grant.id) end

remember_installed(pair.lineage)
if role == 'primary' then
  if former and A[4] == 'retired' then
    retire(former, grant)
  elseif former then
    set(former, grant, {role = A[4]})
  end
  make_primary(grant, id, A[5])
  next_generation(grant)
  set_status(grant, 'active')
end
create_chain(id, grant, role, pair)
limit_spares(grant, id)
changed(grant, 'installed', id, pair.lineage)
if role == 'primary' then return answer('current', grant.generation) end
return answer('spare')
