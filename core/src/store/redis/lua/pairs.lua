-- For scripts that bring pairs. A pair comes as seven arguments from `at` on.
local PAIR = {'lineage', 'access', 'refresh', 'hash', 'access_expires_at', 'refresh_expires_at',
  'due_at'}

local function pair_from(at)
  local pair = {}
  for offset, name in ipairs(PAIR) do pair[name] = A[at + offset - 1] end
  -- The index counts milliseconds.
  pair.due = int(tonumber(pair.due_at) * 1000)
  return pair
end

local function is_known(hash)
  return redis.call('HEXISTS', P .. 'tokens', hash) == 1 or
    is_living(redis.call('GET', P .. 'spent:' .. hash))
end

local function remember_spent(hash)
  if hash == '' then return end
  local expires, span = forget_after(SPENT)
  write('SET', P .. 'spent:' .. hash, expires, 'PX', span)
end

-- An attempt that was installed is never installed again, whatever became of its chain.
local function remember_installed(lineage)
  local expires, span = forget_after(SPENT)
  write('SET', P .. 'installed:' .. lineage, expires, 'PX', span)
end

local function drop_token(chain)
  if redis.call('HGET', P .. 'tokens', chain.hash) == chain.id then
    write('HDEL', P .. 'tokens', chain.hash)
  end
end

local function delete_chain(chain)
  drop_token(chain)
  if chain.node ~= '' then write('ZREM', P .. 'held:' .. chain.node, chain.id) end
  for _, name in ipairs({'due', 'doubted', 'retired'}) do write('ZREM', P .. name, chain.id) end
  write('SREM', P .. 'chains:' .. chain.grant, chain.id)
  write('DEL', chain.key, P .. 'spends:' .. chain.id)
end

local function create_chain(id, grant, role, pair)
  local chain = {id = id, key = P .. 'chain:' .. id, grant = grant.id, node = ''}
  local fields = {grant = grant.id, role = role, state = 'idle', attempt = '', node = '',
    held_until = 0, tries = '0', epoch = epoch(),
    doubted_at = '0', doubted_beat = '0', retired_at = '0'}
  for name, value in pairs(pair) do fields[name] = value end
  write('HSET', P .. 'tokens', pair.hash, id)
  write('SADD', P .. 'chains:' .. grant.id, id)
  set(chain, grant, fields)
  return chain
end

-- `endpoints`: the portal's side of the answer, where there is one.
local function make_primary(grant, id, endpoints)
  grant.primary = id
  write('HSET', grant.key, 'primary', id)
  if endpoints then write('HSET', grant.key, 'endpoints', endpoints) end
  write('ZADD', P .. 'grants', grant.id, grant.id)
end

local function retire(chain, grant)
  set(chain, grant, {role = 'retired', retired_at = now})
end

-- Retires spares too many: the dead first, then the one whose refresh token dies first; never `keep`.
local function limit_spares(grant, keep)
  while true do
    local count, worst, rank = 0, nil, nil
    for _, chain in ipairs(chains_of(grant)) do
      if chain.role == 'spare' then
        count = count + 1
        local life = chain.state == 'dead' and -math.huge or tonumber(chain.refresh_expires_at)
        if chain.id ~= keep and (not worst or life < rank) then worst, rank = chain, life end
      end
    end
    if count <= SPARES or not worst then return end
    retire(worst, grant)
  end
end

-- Makes the idle spare that lives longest the primary in place of `failed`, if there is one and the
-- application was not uninstalled.
local function promote(grant, failed)
  if grant.status == 'uninstalled' then return false end
  local best
  for _, chain in ipairs(chains_of(grant)) do
    if chain.role == 'spare' and chain.state == 'idle' and
      (not best or tonumber(chain.refresh_expires_at) > tonumber(best.refresh_expires_at)) then
      best = chain
    end
  end
  if not best then return false end
  retire(failed, grant)
  set(best, grant, {role = 'primary'})
  make_primary(grant, best.id)
  next_generation(grant)
  set_status(grant, 'active')
  changed(grant, 'promoted', best.id)
  return true
end
