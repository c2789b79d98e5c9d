-- For scripts that start attempts: how long the budgets forbid to send, in milliseconds. Entries
-- more than a minute ahead come from a clock that was wrong; they do not count.

local function chain_wait(chain, span, limit)
  if limit <= 0 then return 0 end
  local entry = redis.call('ZREVRANGEBYSCORE', P .. 'spends:' .. chain.id, int(now + MINUTE),
    '(' .. int(now - span), 'WITHSCORES', 'LIMIT', limit - 1, 1)
  return entry[2] and tonumber(entry[2]) + span - now or 0
end

-- Counted by the minute.
local function application_wait(grant, limit)
  if limit <= 0 then return 0 end
  local this, sum = math.floor(now / MINUTE), 0
  local minutes = {}
  for back = -1, 59 do minutes[#minutes + 1] = int(this - back) end
  local counts = redis.call('HMGET', P .. 'application:' .. grant.client_id, unpack(minutes))
  for place, minute in ipairs(minutes) do
    sum = sum + (tonumber(counts[place] or 0) or 0)
    if sum >= limit then return (tonumber(minute) + 60) * MINUTE - now end
  end
  return 0
end

-- Limits as three arguments from `at` on: per hour and per day for the chain, per hour for the
-- application; 0 is none.
local function budget_wait(chain, grant, at)
  local wait = math.max(chain_wait(chain, HOUR, tonumber(A[at])),
    chain_wait(chain, DAY, tonumber(A[at + 1])), application_wait(grant, tonumber(A[at + 2])))
  return math.max(wait, 0)
end

-- What both ways to start have in common: chain, parent, attempt, node and lease are the first five
-- arguments, the budget the next three.
local function may_start(chain, grant)
  return chain.lineage == A[2] and (grant.status == 'active' or grant.status == 'suspended') and
    chain.epoch == epoch() and budget_wait(chain, grant, 6) <= 0 and
    not is_living(redis.call('HGET', P .. 'orphan:' .. A[1] .. ':' .. A[2], 'expires'))
end

-- Asked again after a lost acknowledgement.
local function is_begun(chain)
  return chain.state == 'intent' and chain.attempt == A[3] and chain.lineage == A[2]
end

local function start(chain, grant, event)
  local may_be_spent = chain.state == 'ambiguous' or chain.state == 'sent'
  local tries = tonumber(chain.tries) + (may_be_spent and 1 or 0)
  set(chain, grant, {state = 'intent', attempt = A[3], node = A[4],
    held_until = now + tonumber(A[5]), tries = tries})
  changed(grant, event, chain.id, A[3], A[4])
end
