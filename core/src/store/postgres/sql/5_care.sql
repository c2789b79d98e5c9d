-- What is done from time to time.

CREATE FUNCTION evergrant.heartbeat(_offset bigint, _node bytea, _depth bigint, _limit bigint)
RETURNS TABLE (grant_id bigint, chain_id bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    INSERT INTO evergrant.nodes AS n VALUES (_node, _now, 0, _depth)
    ON CONFLICT (id) DO UPDATE SET heard_at = n.seen_at, seen_at = _now, depth = _depth;
    RETURN QUERY
    SELECT summons.grant_id, summons.id FROM (
        (SELECT c.grant_id, c.id, c.doubted_at AS since FROM evergrant.chains c
            WHERE c.doubted_at IS NOT NULL ORDER BY c.doubted_at LIMIT _limit)
        UNION ALL
        (SELECT c.grant_id, c.id, c.held_until FROM evergrant.chains c
            WHERE c.node = _node AND c.held_until <= _now ORDER BY c.held_until LIMIT _limit)
    ) summons
    ORDER BY since LIMIT _limit;
END $$;

-- Each chain is moved before its lock is given back, so that nobody else gets it too.
CREATE FUNCTION evergrant.due(_offset bigint, _client_id text, _limit bigint, _again bigint)
RETURNS TABLE (grant_id bigint, chain_id bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    RETURN QUERY
    WITH taken AS MATERIALIZED (
        SELECT c.id, c.grant_id, c.due_next
        FROM evergrant.chains c JOIN evergrant.grants g ON g.id = c.grant_id
        WHERE c.due_next <= _now AND c.state IN ('idle', 'ambiguous', 'intent', 'sent')
            AND c.held_until <= _now AND c.role <> 'retired'
            AND g.status = 'active' AND g.client_id = _client_id
        ORDER BY c.due_next LIMIT _limit FOR NO KEY UPDATE OF c SKIP LOCKED
    ), moved AS (
        UPDATE evergrant.chains c SET due_next = _now + _again FROM taken WHERE c.id = taken.id
    )
    SELECT taken.grant_id, taken.id FROM taken ORDER BY taken.due_next;
END $$;

CREATE FUNCTION evergrant.prune(_offset bigint, _spent bigint, _retired bigint, _answers bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    DELETE FROM evergrant.chains WHERE role = 'retired' AND retired_at <= _now - _retired;
    DELETE FROM evergrant.spent WHERE at <= _now - _spent;
    DELETE FROM evergrant.consents WHERE at <= _now - _spent;
    DELETE FROM evergrant.orphans WHERE at <= _now - _retired;
    DELETE FROM evergrant.nodes WHERE seen_at <= _now - _answers;
    DELETE FROM evergrant.spends WHERE at <= _now - 86400000;
    DELETE FROM evergrant.application_spends WHERE minute <= _now / 60000 - 60;
END $$;
