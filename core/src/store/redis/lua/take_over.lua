-- As begin, with the silent attempt as the ninth argument.
local chain, grant = load_both(A[1])
if not chain then return answer(0) end
if is_begun(chain) then
  again()
  return answer(1)
end
-- An intent never sent and never will; what was sent may still be answered for a while.
local silence = chain.state == 'sent' and HOLD_BACK or 0
if not is_held(chain) or chain.attempt ~= A[9] or chain.held_until + silence > now or
  not may_start(chain, grant) then
  return answer(0)
end
start(chain, grant, 'taken_over')
return answer(1)
