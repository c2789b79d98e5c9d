-- How many chains at once; answers whether there may be more. What expires by itself is not here.
local old = redis.call('ZRANGEBYSCORE', P .. 'retired', '-inf', int(now - RETIRED), 'LIMIT', 0, A[1])
local chains = {}
for _, id in ipairs(old) do
  local is_sound, chain = pcall(load_chain, id)
  if is_sound and chain then chains[#chains + 1] = chain end
end
for _, chain in ipairs(chains) do delete_chain(chain) end
for _, node in ipairs(redis.call('ZRANGEBYSCORE', P .. 'nodes', '-inf', int(now - ANSWERS))) do
  write('ZREM', P .. 'nodes', node)
  for _, name in ipairs({'depths', 'heard'}) do write('HDEL', P .. name, node) end
end
return answer(#chains)
