-- Chain, attempt, verdict, pause, status.
local chain, grant = load_both(A[1])
if not chain or chain.attempt ~= A[2] or not is_held(chain) then return answer(0) end
local node, verdict, pause = chain.node, A[3], now + tonumber(A[4])
local ended = {attempt = '', node = '', held_until = pause, state = 'idle'}
if verdict == 'ambiguous' then ambiguous(chain, pause, ended) end
if verdict == 'released' then let_go(chain, pause, ended) end
if verdict == 'refused' then
  ended.state, ended.held_until, ended.doubted_at = 'doubted', 0, now
  ended.doubted_beat = redis.call('GET', P .. 'beats') or '0'
end
set(chain, grant, ended)
if verdict == 'status' then set_status(grant, A[5]) end
changed(grant, verdict == 'status' and A[5] or verdict, chain.id, A[2], node)
return answer(1)
