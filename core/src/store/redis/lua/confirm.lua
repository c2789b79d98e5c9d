-- Chain, attempt, least.
local chain, grant = load_both(A[1])
if not chain or chain.attempt ~= A[2] or not is_held(chain) or chain.epoch ~= epoch() or
  chain.held_until - now <= tonumber(A[3]) then
  return answer(0)
end
if chain.state == 'sent' then
  again()
  return answer(1)
end
set(chain, grant, {state = 'sent'})

local spends = P .. 'spends:' .. chain.id
write('ZADD', spends, int(now), chain.attempt)
write('ZREMRANGEBYSCORE', spends, '-inf', int(now - DAY))
write('PEXPIRE', spends, DAY + HOUR)

local counts, this = P .. 'application:' .. grant.client_id, math.floor(now / MINUTE)
write('HINCRBY', counts, int(this), 1)
for _, minute in ipairs(redis.call('HKEYS', counts)) do
  if (tonumber(minute) or 0) < this - 60 then write('HDEL', counts, minute) end
end
write('PEXPIRE', counts, 2 * HOUR)

changed(grant, 'sent', chain.id, chain.attempt, chain.node)
return answer(1)
