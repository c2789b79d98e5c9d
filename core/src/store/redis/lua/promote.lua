-- Grant, the primary that failed.
local grant = load_grant(A[1])
if not grant or grant.primary ~= A[2] then return answer('') end
local failed
for _, chain in ipairs(chains_of(grant)) do
  if chain.id == A[2] then failed = chain end
end
if not failed then damaged('primary', A[1], A[2]) end
local has_failed = failed.state == 'dead' or failed.state == 'doubted' or
  failed.state == 'ambiguous' or (is_held(failed) and failed.held_until <= now)
if not has_failed or not promote(grant, failed) then return answer('') end
return answer(grant.generation)
