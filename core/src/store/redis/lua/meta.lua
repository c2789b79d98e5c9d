return answer(redis.call('HGET', P .. 'meta', A[1]))
