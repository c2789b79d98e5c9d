-- Chain, parent, node.
local chain, grant = load_both(A[1])
if not chain or chain.lineage ~= A[2] then return answer(0) end
if chain.state == 'dead' then
  again()
  return answer(1)
end
if chain.state ~= 'doubted' then return answer(0) end
if is_living(redis.call('HGET', P .. 'orphan:' .. A[1] .. ':' .. A[2], 'expires')) then
  return answer(0)
end

if tonumber(chain.doubted_at) + HOLD_BACK > now then
  local seen = redis.call('ZRANGEBYSCORE', P .. 'nodes', '(' .. int(now - ANSWERS), '+inf')
  for _, node in ipairs(seen) do
    local heard = tonumber(redis.call('HGET', P .. 'heard', node) or 0) or 0
    if node ~= A[3] and heard <= tonumber(chain.doubted_beat) then return answer(0) end
  end
end

set(chain, grant, {state = 'dead'})
local is_hopeless, primary = true, nil
for _, other in ipairs(chains_of(grant)) do
  local is_over = other.state == 'dead' or other.role == 'spare' and other.state == 'doubted'
  if other.role ~= 'retired' and not is_over then is_hopeless = false end
  if other.role == 'primary' then primary = other end
end
if primary and is_hopeless and (grant.status == 'active' or grant.status == 'suspended') then
  set_status(grant, 'needs_reauthorization')
end
changed(grant, 'dead', chain.id, '', A[3])
return answer(1)
