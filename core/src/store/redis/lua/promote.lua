-- Grant, the primary that failed.
local grant = load_grant(A[1])
if not grant or grant.primary ~= A[2] then return answer('') end
local best, failed
for _, chain in ipairs(chains_of(grant)) do
  if chain.id == A[2] then failed = chain end
  if chain.role == 'spare' and chain.state == 'idle' and
    (not best or tonumber(chain.refresh_expires_at) > tonumber(best.refresh_expires_at)) then
    best = chain
  end
end
if not failed then damaged('primary', A[1], A[2]) end
local has_failed = failed.state == 'dead' or failed.state == 'doubted' or
  failed.state == 'ambiguous' or (is_held(failed) and failed.held_until <= now)
if not best or not has_failed then return answer('') end

retire(failed, grant)
set(best, grant, {role = 'primary'})
make_primary(grant, best.id)
next_generation(grant)
set_status(grant, 'active')
changed(grant, 'promoted', best.id)
return answer(grant.generation)
