-- A name of its own, which sealed columns are bound to, and the first epoch.
redis.call('HSETNX', KEYS[1] .. 'meta', 'environment', string.sub(ARGV[1], 1, 16))
redis.call('HSETNX', KEYS[1] .. 'meta', 'epoch', string.sub(ARGV[1], 17, 32))
