-- Around every migration: it runs once, however many processes start.
local before = redis.call('GET', KEYS[1] .. 'schema') or '0'
if before ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1] .. 'schema', ARGV[3])
