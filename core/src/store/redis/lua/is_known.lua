return answer(is_known(A[1]) and 1 or 0)
