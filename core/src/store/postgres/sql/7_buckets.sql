-- The leaky buckets of portals, counted by all processes together. What a crash forgets has leaked
-- by the time the server is back.
CREATE UNLOGGED TABLE evergrant.buckets (
    portal text PRIMARY KEY,
    level double precision NOT NULL,
    at bigint NOT NULL
) WITH (fillfactor = 50);

-- Takes room for up to _want requests. Answers how many, and how full the bucket is then.
CREATE FUNCTION evergrant.take_permits(
    _offset bigint, _portal text, _want bigint, _room double precision,
    _per_second double precision, _at_least double precision
) RETURNS TABLE (granted bigint, level double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint;
    _level double precision;
    _granted bigint;
BEGIN
    INSERT INTO evergrant.buckets VALUES (_portal, 0, 0) ON CONFLICT DO NOTHING;
    SELECT b.level, b.at INTO _level, _now FROM evergrant.buckets b
    WHERE portal = _portal FOR NO KEY UPDATE;
    -- After the lock: who waited for it sees the time that passed.
    _level := greatest(
        _at_least,
        _level - _per_second * greatest(evergrant.now_ms(_offset) - _now, 0) / 1000,
        0
    );
    _now := greatest(evergrant.now_ms(_offset), _now);
    _granted := greatest(least(_want, floor(_room - _level + 1e-6)::bigint), 0);
    _level := _level + _granted;
    UPDATE evergrant.buckets b SET level = _level, at = _now WHERE portal = _portal;
    RETURN QUERY SELECT _granted, _level;
END $$;
