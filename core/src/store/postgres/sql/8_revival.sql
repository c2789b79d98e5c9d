-- A token of unknown fate stays one until a pair succeeds it, a late answer is a way out for a grant
-- that was given up, and a node says itself up to when it has attended to its summons.

-- Answers the grant, or null if the attempt is not the holder.
CREATE OR REPLACE FUNCTION evergrant.testify(_offset bigint, _chain bigint, _attempt bytea)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _held evergrant.chains;
    _unknown boolean;
BEGIN
    SELECT * INTO _held FROM evergrant.chains
    WHERE id = _chain AND attempt = _attempt AND state IN ('intent', 'sent');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    _unknown := _held.state = 'sent' OR _held.tries > 0;
    UPDATE evergrant.chains SET
        state = CASE WHEN _unknown THEN 'ambiguous' ELSE 'idle' END,
        tries = tries - (_held.state = 'intent' AND tries > 0)::integer,
        held_until = CASE _held.state WHEN 'sent' THEN held_until ELSE 0 END,
        due_next = CASE WHEN _unknown AND due_next > _now THEN _now ELSE due_next END,
        attempt = NULL, node = NULL
    WHERE id = _chain;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, 'testified', _chain, _attempt, _held.node);
    RETURN _grant;
END $$;

-- Answers the grant, or null if the attempt is not the holder.
CREATE OR REPLACE FUNCTION evergrant.settle(
    _offset bigint, _chain bigint, _attempt bytea, _event text, _state text, _pause bigint,
    _status text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _held evergrant.chains;
    _next text := _state;
BEGIN
    SELECT * INTO _held FROM evergrant.chains
    WHERE id = _chain AND attempt = _attempt AND state IN ('intent', 'sent');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF _event = 'released' AND _held.tries > 0 THEN
        _next := 'ambiguous';
    END IF;
    UPDATE evergrant.chains SET
        state = _next, held_until = _now + _pause, attempt = NULL, node = NULL,
        tries = tries - (_event = 'released' AND _held.state = 'intent' AND tries > 0)::integer,
        doubted_at = CASE _next WHEN 'doubted' THEN _now END,
        due_next = CASE WHEN _next = 'ambiguous' AND due_next > _now + _pause
            THEN _now + _pause ELSE due_next END
    WHERE id = _chain;
    IF _status IS NOT NULL THEN
        UPDATE evergrant.grants SET status = _status WHERE id = _grant;
        PERFORM evergrant.schedule(_grant);
    END IF;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, _event, _chain, _attempt, _held.node);
    RETURN _grant;
END $$;

-- Answers the generation, or null where the answer became an orphan.
CREATE OR REPLACE FUNCTION evergrant.commit(
    _offset bigint, _spares bigint, _grant bigint, _chain bigint, _parent bytea, _spent bytea,
    _client_endpoint text, _authorization_server text, _scope text[], _application_status text,
    _lineage bytea, _access bytea, _refresh bytea, _refresh_hash bytea,
    _access_expires_at bigint, _refresh_expires_at bigint, _due_at bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _there boolean := evergrant.lock_grant(_grant);
    _now bigint := evergrant.now_ms(_offset);
    _generation bigint;
    _status text;
    _before evergrant.chains;
BEGIN
    SELECT g.generation, g.status INTO _generation, _status
    FROM evergrant.grants g WHERE g.id = _grant;
    SELECT * INTO _before FROM evergrant.chains
    WHERE id = _chain AND grant_id = _grant FOR NO KEY UPDATE;
    IF _before.lineage = _lineage THEN
        RETURN _generation;
    END IF;
    PERFORM evergrant.lock_token(_refresh_hash);
    PERFORM evergrant.remember_spent(_now, _spent);
    IF _before.lineage IS DISTINCT FROM _parent THEN
        INSERT INTO evergrant.orphans VALUES (
            _chain, _lineage, _grant, _parent, _spent, _client_endpoint, _authorization_server,
            _scope, _application_status, _access, _refresh, _refresh_hash, _access_expires_at,
            _refresh_expires_at, _due_at, _now
        ) ON CONFLICT DO NOTHING;
        IF FOUND AND _there THEN
            INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt)
            VALUES (_grant, _now, 'orphaned', _chain, _lineage);
        END IF;
        RETURN NULL;
    END IF;
    IF _before.role = 'primary' THEN
        _generation := evergrant.raise(
            _grant, CASE _status WHEN 'uninstalled' THEN _status ELSE 'active' END,
            _client_endpoint, _authorization_server, _scope, _application_status);
    END IF;
    UPDATE evergrant.chains SET
        role = CASE role WHEN 'retired' THEN 'spare' ELSE role END, retired_at = NULL,
        state = 'idle', attempt = NULL, node = NULL, held_until = 0, tries = 0, doubted_at = NULL,
        lineage = _lineage, access = _access, refresh = _refresh, refresh_hash = _refresh_hash,
        access_expires_at = _access_expires_at, refresh_expires_at = _refresh_expires_at,
        due_at = _due_at, epoch = evergrant.epoch(),
        due_next = CASE WHEN _status = 'active' THEN _due_at * 1000 END
    WHERE id = _chain;
    IF _before.role = 'retired' THEN
        PERFORM evergrant.trim(_now, _grant, _chain, _spares);
    END IF;
    IF _status <> 'active' THEN
        PERFORM evergrant.schedule(_grant);
    END IF;
    DELETE FROM evergrant.orphans WHERE chain_id = _chain AND lineage = _lineage;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, 'committed', _chain, _lineage,
        CASE WHEN _before.attempt = _lineage THEN _before.node END);
    IF _before.role <> 'primary' AND _status <> 'uninstalled' THEN
        _generation := coalesce((
            SELECT evergrant.promote(_offset, _grant, id) FROM evergrant.chains
            WHERE grant_id = _grant AND role = 'primary' AND state = 'dead'
        ), _generation);
    END IF;
    RETURN _generation;
END $$;

DROP FUNCTION evergrant.heartbeat(bigint, bytea, bigint, bigint);

-- One row, the same number of grants and chains, and up to when nothing more is to be attended to once
-- these are: 0 where they may not be all.
CREATE FUNCTION evergrant.heartbeat(
    _offset bigint, _node bytea, _depth bigint, _attended bigint, _limit bigint
) RETURNS TABLE (grant_ids bigint[], chain_ids bigint[], mark bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    INSERT INTO evergrant.nodes AS n VALUES (_node, _now, _attended, _depth)
    ON CONFLICT (id) DO UPDATE SET
        heard_at = greatest(n.heard_at, _attended), seen_at = _now, depth = _depth;
    RETURN QUERY
    SELECT coalesce(array_agg(summons.grant_id ORDER BY since), '{}'),
        coalesce(array_agg(summons.id ORDER BY since), '{}'),
        CASE WHEN count(*) < _limit THEN _now ELSE 0 END
    FROM (
        SELECT c.grant_id, c.id, c.since FROM (
            (SELECT d.grant_id, d.id, d.doubted_at AS since FROM evergrant.chains d
                WHERE d.doubted_at IS NOT NULL ORDER BY d.doubted_at LIMIT _limit)
            UNION ALL
            (SELECT h.grant_id, h.id, h.held_until FROM evergrant.chains h
                WHERE h.node = _node AND h.held_until <= _now ORDER BY h.held_until LIMIT _limit)
        ) c
        ORDER BY c.since LIMIT _limit
    ) summons;
END $$;
