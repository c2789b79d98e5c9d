-- Before every script. KEYS[1] is the prefix of all keys, with the hash tag that keeps them in one
-- slot; ARGV[1] turns the clock (tests), ARGV[2] is the schema this program knows.
-- SPENT, RETIRED, ANSWERS, HOLD_BACK and SPARES are defined before it, from `keep`.
-- Ids are strings throughout: they have 63 bits, a number here has 53.
if redis.replicate_commands then redis.replicate_commands() end

local P = KEYS[1]
local A = {unpack(ARGV, 3)}
local dirty = false

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])

local function fail(text) error('EVERGRANT ' .. text, 0) end

if redis.call('GET', P .. 'schema') ~= ARGV[2] then
  fail('schema ' .. tostring(redis.call('GET', P .. 'schema') or 'none'))
end

-- Names the field that is wrong, its grant and its chain, for a person to look at.
local function damaged(field, grant, chain)
  fail('damaged ' .. field .. ' ' .. (grant or '-') .. ' ' .. (chain or '-'))
end

local function int(number) return string.format('%.0f', number) end

-- Every change goes through here: what was changed has to reach the replicas.
local function write(...)
  dirty = true
  return redis.call(...)
end

-- An answer that rests on an earlier change must be as durable as that change: writing anything
-- makes this connection wait for all that was written before.
local function again() write('SET', P .. 'fence', int(now)) end

local function answer(...) return {dirty and 1 or 0, ...} end

-- Milliseconds, as texts, for a value that is forgotten by itself. The value says when, by our own
-- clock; the server's expiry only frees the memory.
local function forget_after(span) return int(now + span), int(span) end

local function is_living(expires) return expires and (tonumber(expires) or 0) > now end

local STATES = {idle = 1, intent = 1, sent = 1, ambiguous = 1, doubted = 1, dead = 1}
local ROLES = {primary = 1, spare = 1, retired = 1}
local STATUSES = {active = 1, suspended = 1, needs_reauthorization = 1, uninstalled = 1}

local function is_hex(text, length)
  return text and #text == length and not string.find(text, '[^0-9a-f]')
end

local function is_number(text) return text and string.find(text, '^%-?%d+$') end

-- The fields of a row that conditions look at; nil where there is no such row. Damage stops
-- everything before the first write.
local function load(kind, id, names, checks)
  local key = P .. kind .. ':' .. id
  local values = redis.call('HMGET', key, unpack(names))
  local row, found = {id = id, key = key}, false
  for place, name in ipairs(names) do
    row[name] = values[place] or nil
    found = found or values[place]
  end
  if not found then return nil end
  for name, is_sound in pairs(checks) do
    if not is_sound(row[name]) then
      if kind == 'grant' then damaged(name, id) end
      damaged(name, is_number(row.grant) and row.grant, id)
    end
  end
  return row
end

local function one_of(set) return function(text) return text and set[text] end end
local function hex(length) return function(text) return is_hex(text, length) end end
local function hex_or_empty(text) return text == '' or is_hex(text, 32) end

local CHAIN = {'grant', 'role', 'state', 'lineage', 'hash', 'attempt', 'node', 'held_until', 'tries',
  'epoch', 'doubted_at', 'doubted_beat', 'due', 'retired_at', 'refresh_expires_at'}
local CHAIN_CHECKS = {grant = is_number, role = one_of(ROLES), state = one_of(STATES),
  lineage = hex(32), hash = hex(64), attempt = hex_or_empty, node = hex_or_empty,
  held_until = is_number, tries = is_number, doubted_at = is_number,
  doubted_beat = is_number, due = is_number,
  retired_at = is_number,
  refresh_expires_at = is_number}
local GRANT = {'client_id', 'member_id', 'user_id', 'status', 'generation', 'primary'}
local function present(text) return text end
local function number_or_empty(text) return text == '' or is_number(text) end
local GRANT_CHECKS = {client_id = present, member_id = present, user_id = is_number,
  status = one_of(STATUSES), generation = is_number, primary = number_or_empty}

local function load_grant(id) return load('grant', id, GRANT, GRANT_CHECKS) end

-- One text for whose right a grant is, with lengths, so that no two are alike.
local function identity_of(client, member, user)
  return #client .. ':' .. client .. #member .. ':' .. member .. user
end

local function load_chain(id)
  local chain = load('chain', id, CHAIN, CHAIN_CHECKS)
  if chain then chain.held_until = tonumber(chain.held_until) end
  return chain
end

-- A chain and its grant: neither is there without the other.
local function load_both(id)
  local chain = load_chain(id)
  if not chain then return nil end
  local grant = load_grant(chain.grant)
  if not grant then damaged('grant', chain.grant, id) end
  return chain, grant
end

-- Without the damaged ones: a damaged spare must not keep a living pair out.
local function chains_of(grant)
  local chains = {}
  for _, id in ipairs(redis.call('SMEMBERS', P .. 'chains:' .. grant.id)) do
    local is_sound, chain = pcall(load_chain, id)
    if is_sound and chain and chain.grant == grant.id then chains[#chains + 1] = chain end
  end
  return chains
end

local function epoch() return redis.call('HGET', P .. 'meta', 'epoch') or '' end

local function is_held(chain) return chain.state == 'intent' or chain.state == 'sent' end

-- Puts a chain into the indexes where it belongs now, and only there.
local function index(chain, grant)
  local is_over = chain.state == 'doubted' or chain.state == 'dead'
  if chain.role ~= 'retired' and not is_over and grant.status == 'active' then
    write('ZADD', P .. 'due', chain.due, chain.id)
  else
    write('ZREM', P .. 'due', chain.id)
  end
  if chain.state == 'doubted' then
    write('ZADD', P .. 'doubted', chain.doubted_at, chain.id)
  else
    write('ZREM', P .. 'doubted', chain.id)
  end
  if chain.role == 'retired' then
    write('ZADD', P .. 'retired', chain.retired_at, chain.id)
  else
    write('ZREM', P .. 'retired', chain.id)
  end
  if is_held(chain) then
    write('ZADD', P .. 'held:' .. chain.node, int(chain.held_until), chain.id)
  end
end

local function set(chain, grant, changes)
  if chain.node ~= '' then write('ZREM', P .. 'held:' .. chain.node, chain.id) end
  local flat = {}
  for name, value in pairs(changes) do
    chain[name] = value
    flat[#flat + 1] = name
    flat[#flat + 1] = type(value) == 'number' and int(value) or value
  end
  write('HSET', chain.key, unpack(flat))
  index(chain, grant)
end

-- What the fields of an ambiguous chain become: its keep-alive is due when its pause is over.
local function ambiguous(chain, pause_end, fields)
  fields.state, fields.held_until = 'ambiguous', pause_end
  fields.due = int(math.min(tonumber(chain.due), pause_end))
  return fields
end

-- What the fields of a chain become whose attempt brought nothing and spent nothing: a token of
-- unknown fate stays one, and counts only what was sent.
local function let_go(chain, pause_end, fields)
  local tries = tonumber(chain.tries)
  if tries == 0 then
    fields.state, fields.held_until = 'idle', pause_end
    return fields
  end
  if chain.state == 'intent' then fields.tries = int(tries - 1) end
  return ambiguous(chain, pause_end, fields)
end

local function set_status(grant, status)
  if grant.status == status then return end
  grant.status = status
  write('HSET', grant.key, 'status', status)
  for _, chain in ipairs(chains_of(grant)) do index(chain, grant) end
end

local function next_generation(grant)
  grant.generation = int(tonumber(grant.generation) + 1)
  write('HSET', grant.key, 'generation', grant.generation)
end

-- Moves the grant's place in the change feed and wakes readers. The feed never goes back, even
-- where the clock does.
local function touch(grant)
  local last = tonumber(redis.call('ZREVRANGE', P .. 'changes', 0, 0, 'WITHSCORES')[2]) or 0
  write('ZADD', P .. 'changes', int(now >= last and now or last + 1), grant.id)
  redis.call('PUBLISH', P .. 'wake', grant.id)
end

-- Appends to the audit, each entry with a hash over itself and the hash before it.
local function changed(grant, event, chain, attempt, node)
  local key = P .. 'audit:' .. grant.id
  local last = redis.call('LINDEX', key, -1)
  -- After damage the hashes start anew: the reader sees the break, and the change is not lost.
  local before = last and string.match(last, '|(%x+)$') or ''
  local number = int(redis.call('LLEN', key) + 1)
  local entry = int(now) .. '|' .. event .. '|' .. chain .. '|' .. (attempt or '') .. '|' ..
    (node or '') .. '|' .. grant.generation
  local hash = redis.sha1hex(before .. '|' .. grant.id .. '|' .. number .. '|' .. entry)
  write('RPUSH', key, entry .. '|' .. hash)
  touch(grant)
end
