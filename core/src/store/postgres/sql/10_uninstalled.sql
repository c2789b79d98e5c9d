-- No spare takes over for an application that was uninstalled: only a person brings it back.

-- Answers the new generation, or null where there is nothing to promote or no need.
CREATE OR REPLACE FUNCTION evergrant.promote(_offset bigint, _grant bigint, _failed bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _there boolean := evergrant.lock_grant(_grant);
    _now bigint := evergrant.now_ms(_offset);
    _spare bigint;
    _generation bigint;
BEGIN
    PERFORM FROM evergrant.chains
    WHERE id = _failed AND grant_id = _grant AND role = 'primary' AND (
        state IN ('dead', 'doubted', 'ambiguous')
        OR state IN ('intent', 'sent') AND held_until <= _now
    );
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT id INTO _spare FROM evergrant.chains
    WHERE grant_id = _grant AND role = 'spare' AND state = 'idle'
        AND (SELECT status FROM evergrant.grants WHERE id = _grant) <> 'uninstalled'
    ORDER BY refresh_expires_at DESC, id LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM evergrant.retire(_now, _failed);
    UPDATE evergrant.chains SET role = 'primary' WHERE id = _spare;
    UPDATE evergrant.grants SET generation = generation + 1, status = 'active'
    WHERE id = _grant RETURNING generation INTO _generation;
    PERFORM evergrant.schedule(_grant);
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id)
    VALUES (_grant, _now, 'promoted', _spare);
    RETURN _generation;
END $$;
