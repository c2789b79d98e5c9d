-- Chain, parent.
local chain, grant = load_both(A[1])
if not chain or chain.lineage ~= A[2] then return answer(0) end
if chain.epoch == epoch() then
  again()
  return answer(1)
end
set(chain, grant, {epoch = epoch()})
changed(grant, 'unquarantined', chain.id)
return answer(1)
