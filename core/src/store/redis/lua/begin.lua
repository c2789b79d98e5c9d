local chain, grant = load_both(A[1])
if not chain then return answer(0) end
if is_begun(chain) then
  again()
  return answer(1)
end
local is_free = chain.state == 'idle' or chain.state == 'ambiguous'
if not is_free or chain.held_until > now or not may_start(chain, grant) then return answer(0) end
start(chain, grant, 'intent')
return answer(1)
