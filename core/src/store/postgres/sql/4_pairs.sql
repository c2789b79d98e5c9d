-- Pairs: how they come in, succeed each other, and change places.

-- The number and data key of a grant; a new one where there is none.
CREATE FUNCTION evergrant.ensure_grant(
    _client_id text, _member_id text, _user_id bigint, _data_key bytea
) RETURNS TABLE (grant_id bigint, key bytea)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.durable();
    INSERT INTO evergrant.grants (client_id, member_id, user_id, data_key)
    SELECT _client_id, _member_id, _user_id, _data_key
    WHERE NOT EXISTS (
        SELECT FROM evergrant.grants
        WHERE client_id = _client_id AND member_id = _member_id AND user_id = _user_id
    )
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT id, data_key FROM evergrant.grants
    WHERE client_id = _client_id AND member_id = _member_id AND user_id = _user_id;
END $$;

-- Readers get another pair: a new generation with what the answer says about the portal.
CREATE FUNCTION evergrant.raise(
    _grant bigint, _status text, _client_endpoint text, _authorization_server text, _scope text[],
    _application_status text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _generation bigint;
BEGIN
    UPDATE evergrant.grants SET
        generation = generation + 1, status = _status, client_endpoint = _client_endpoint,
        authorization_server = _authorization_server, scope = _scope,
        application_status = _application_status
    WHERE id = _grant RETURNING generation INTO _generation;
    RETURN _generation;
END $$;

CREATE FUNCTION evergrant.retire(_now bigint, _chain bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE evergrant.chains SET role = 'retired', retired_at = _now, due_next = NULL
    WHERE id = _chain;
END $$;

-- Retires the spares that are too many, those first that die first; never the one that just came.
CREATE FUNCTION evergrant.trim(_now bigint, _grant bigint, _new bigint, _spares bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.retire(_now, surplus.id) FROM (
        SELECT id FROM evergrant.chains WHERE grant_id = _grant AND role = 'spare'
        ORDER BY id = _new DESC, refresh_expires_at DESC, id OFFSET _spares
    ) surplus;
END $$;

CREATE FUNCTION evergrant.remember_spent(_now bigint, _hash bytea) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO evergrant.spent SELECT _hash, _now WHERE _hash IS NOT NULL
    ON CONFLICT (hash) DO UPDATE SET at = _now;
END $$;

-- Whoever gets true may spend the token.
CREATE FUNCTION evergrant.claim(_offset bigint, _hash bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.durable();
    IF evergrant.lock_token(_hash) THEN
        RETURN false;
    END IF;
    PERFORM evergrant.remember_spent(evergrant.now_ms(_offset), _hash);
    RETURN true;
END $$;

-- _again: the same call's second try, whose first acknowledgement was lost.
CREATE FUNCTION evergrant.install(
    _offset bigint, _again boolean, _spares bigint, _grant bigint, _chain bigint, _role text,
    _former text, _client_endpoint text, _authorization_server text, _scope text[],
    _application_status text, _lineage bytea, _access bytea, _refresh bytea, _refresh_hash bytea,
    _access_expires_at bigint, _refresh_expires_at bigint, _due_at bigint
) RETURNS TABLE (outcome text, generation bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _known boolean := evergrant.lock_grant(_grant);
    _now bigint := evergrant.now_ms(_offset);
    _primary bigint;
    _generation bigint;
BEGIN
    IF NOT _known THEN
        RETURN QUERY SELECT 'no_grant', 0::bigint;
        RETURN;
    END IF;
    _known := evergrant.lock_token(_refresh_hash);
    IF EXISTS (SELECT FROM evergrant.consents WHERE attempt = _lineage) THEN
        RETURN QUERY
        SELECT coalesce((
            SELECT c.role FROM evergrant.chains c
            WHERE _again AND c.id = _chain AND c.lineage = _lineage AND c.state = 'idle'
        ), 'before'), g.generation
        FROM evergrant.grants g WHERE g.id = _grant;
        RETURN;
    END IF;
    IF _known THEN
        RETURN QUERY SELECT 'known', 0::bigint;
        RETURN;
    END IF;
    INSERT INTO evergrant.consents VALUES (_lineage, _chain, _now);
    IF _role = 'primary' THEN
        SELECT id INTO _primary FROM evergrant.chains
        WHERE grant_id = _grant AND role = 'primary';
        IF _former = 'retired' THEN
            PERFORM evergrant.retire(_now, _primary);
        ELSE
            UPDATE evergrant.chains SET role = 'spare' WHERE id = _primary;
        END IF;
        _generation := evergrant.raise(
            _grant, 'active', _client_endpoint, _authorization_server, _scope, _application_status);
    END IF;
    INSERT INTO evergrant.chains (
        id, grant_id, role, lineage, access, refresh, refresh_hash, access_expires_at,
        refresh_expires_at, due_at, epoch
    ) VALUES (
        _chain, _grant, _role, _lineage, _access, _refresh, _refresh_hash, _access_expires_at,
        _refresh_expires_at, _due_at, evergrant.epoch()
    );
    PERFORM evergrant.trim(_now, _grant, _chain, _spares);
    PERFORM evergrant.schedule(_grant);
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt)
    VALUES (_grant, _now, 'installed', _chain, _lineage);
    RETURN QUERY SELECT _role, _generation;
END $$;

-- Answers the generation, or null where the answer became an orphan.
CREATE FUNCTION evergrant.commit(
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
    RETURN _generation;
END $$;

-- Answers the new generation, or null where there is nothing to promote or no need.
CREATE FUNCTION evergrant.promote(_offset bigint, _grant bigint, _failed bigint) RETURNS bigint
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

-- Answers the new generation, or null if the user has a grant already or the token is not a new one.
CREATE FUNCTION evergrant.transfer(
    _offset bigint, _user_id bigint, _grant bigint, _chain bigint, _client_endpoint text,
    _authorization_server text, _scope text[], _application_status text, _lineage bytea,
    _access bytea, _refresh bytea, _refresh_hash bytea, _access_expires_at bigint,
    _refresh_expires_at bigint, _due_at bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _there boolean := evergrant.lock_grant(_grant);
    _now bigint := evergrant.now_ms(_offset);
    _known boolean := evergrant.lock_token(_refresh_hash);
    _generation bigint;
BEGIN
    IF EXISTS (SELECT FROM evergrant.consents WHERE attempt = _lineage) THEN
        -- Asked again after a lost acknowledgement.
        RETURN (
            SELECT g.generation FROM evergrant.grants g
            JOIN evergrant.chains c ON c.grant_id = g.id AND c.lineage = _lineage
            WHERE g.id = _grant AND g.user_id = _user_id
        );
    END IF;
    IF _known THEN
        RETURN NULL;
    END IF;
    BEGIN
        UPDATE evergrant.grants g SET user_id = _user_id
        WHERE g.id = _grant AND NOT EXISTS (
            SELECT FROM evergrant.grants other
            WHERE other.client_id = g.client_id AND other.member_id = g.member_id
                AND other.user_id = _user_id AND other.id <> g.id
        );
    EXCEPTION WHEN unique_violation THEN
        RETURN NULL;
    END;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM evergrant.chains WHERE grant_id = _grant;
    INSERT INTO evergrant.consents VALUES (_lineage, _chain, _now);
    INSERT INTO evergrant.chains (
        id, grant_id, role, lineage, access, refresh, refresh_hash, access_expires_at,
        refresh_expires_at, due_at, epoch
    ) VALUES (
        _chain, _grant, 'primary', _lineage, _access, _refresh, _refresh_hash, _access_expires_at,
        _refresh_expires_at, _due_at, evergrant.epoch()
    );
    _generation := evergrant.raise(
        _grant, 'active', _client_endpoint, _authorization_server, _scope, _application_status);
    PERFORM evergrant.schedule(_grant);
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt)
    VALUES (_grant, _now, 'transferred', _chain, _lineage);
    RETURN _generation;
END $$;

CREATE FUNCTION evergrant.rewrap(_grant bigint, _old bytea, _new bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.durable();
    UPDATE evergrant.grants SET data_key = _new WHERE id = _grant AND data_key = _old;
    RETURN FOUND;
END $$;

-- Answers the grant, or null if the pair is not there.
CREATE FUNCTION evergrant.release(_offset bigint, _chain bigint, _parent bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    UPDATE evergrant.chains SET epoch = evergrant.epoch()
    WHERE id = _chain AND lineage = _parent AND epoch <> evergrant.epoch();
    IF FOUND THEN
        INSERT INTO evergrant.audit (grant_id, at, event, chain_id)
        VALUES (_grant, _now, 'unquarantined', _chain);
    END IF;
    RETURN (SELECT grant_id FROM evergrant.chains WHERE id = _chain AND lineage = _parent);
END $$;
