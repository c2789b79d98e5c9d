local chain, grant = load_both(A[1])
if not chain then return answer('0') end
return answer(int(budget_wait(chain, grant, 2)))
