-- Chain, attempt.
local chain, grant = load_both(A[1])
if not chain or chain.attempt ~= A[2] or not is_held(chain) then return answer(0) end
local node = chain.node
if chain.state == 'intent' then
  set(chain, grant, let_go(chain, 0, {attempt = '', node = ''}))
else
  set(chain, grant, ambiguous(chain, chain.held_until, {attempt = '', node = ''}))
end
changed(grant, 'testified', chain.id, A[2], node)
return answer(1)
