-- Grant, chain, parent, spent, endpoints, pair.
local id, parent, spent, pair = A[2], A[3], A[4], pair_from(6)
local grant, chain = load_grant(A[1]), load_chain(id)
if chain and chain.grant ~= A[1] then chain = nil end
if chain and not grant then damaged('grant', A[1], id) end

if chain and chain.lineage == pair.lineage then
  again()
  return answer('current', grant.generation)
end

local orphan = P .. 'orphan:' .. id .. ':' .. parent
if not chain or chain.lineage ~= parent then
  local kept = redis.call('HMGET', orphan, 'lineage', 'access_expires_at', 'expires')
  local is_kept = is_living(kept[3])
  -- Of two answers to the same parent, the one issued later lives.
  if is_kept and (kept[1] == pair.lineage or
    (tonumber(kept[2]) or 0) > tonumber(pair.access_expires_at)) then
    again()
    return answer('orphan')
  end
  local expires, span = forget_after(ANSWERS)
  write('DEL', orphan)
  write('HSET', orphan, 'grant', A[1], 'spent', spent, 'endpoints', A[5], 'expires', expires)
  for _, name in ipairs(PAIR) do write('HSET', orphan, name, pair[name]) end
  write('PEXPIRE', orphan, span)
  remember_spent(spent)
  if grant then changed(grant, 'orphaned', id, pair.lineage) end
  return answer('orphan')
end

local node = chain.attempt == pair.lineage and chain.node or ''
local is_revived = chain.role == 'retired'
drop_token(chain)
write('HSET', P .. 'tokens', pair.hash, id)
remember_spent(spent)
local successor = {state = 'idle', attempt = '', node = '', held_until = 0, tries = '0',
  epoch = epoch(), role = is_revived and 'spare' or chain.role}
for name, value in pairs(pair) do successor[name] = value end
set(chain, grant, successor)
write('DEL', orphan)
if chain.role == 'primary' then
  write('HSET', grant.key, 'endpoints', A[5])
  next_generation(grant)
  if grant.status == 'needs_reauthorization' or grant.status == 'suspended' then
    set_status(grant, 'active')
  end
elseif is_revived then
  limit_spares(grant, id)
end
changed(grant, 'committed', id, pair.lineage, node)
-- A late answer is a way out for a grant whose primary was given up.
if chain.role ~= 'primary' then
  for _, other in ipairs(chains_of(grant)) do
    if other.id == grant.primary and other.state == 'dead' then
      promote(grant, other)
      break
    end
  end
end
return answer('current', grant.generation)
