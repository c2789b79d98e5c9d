-- Chain, attempt, lease.
local chain, grant = load_both(A[1])
if not chain or chain.attempt ~= A[2] or not is_held(chain) then return answer(0) end
set(chain, grant, {held_until = now + tonumber(A[3])})
return answer(1)
