-- A token's hash.
if is_known(A[1]) then return answer(0) end
remember_spent(A[1])
return answer(1)
