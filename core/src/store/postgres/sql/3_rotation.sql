-- An attempt's way: acquire, confirm, and how it ends without a pair.

-- Milliseconds until the budgets allow to send. Entries far in the future are a clock's mistake.
-- Planned once: the planner would else look at each clock anew.
CREATE FUNCTION evergrant.budget_wait(
    _now bigint, _chain bigint, _hour bigint, _day bigint, _application bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    _wait bigint := 0;
    _client_id text;
BEGIN
    -- When the last one that is too many leaves its window.
    IF _hour > 0 THEN
        _wait := greatest(_wait, (
            SELECT at + 3600000 - _now FROM evergrant.spends
            WHERE chain_id = _chain AND at > _now - 3600000 AND at <= _now + 60000
            ORDER BY at DESC OFFSET _hour - 1 LIMIT 1
        ));
    END IF;
    IF _day > 0 THEN
        _wait := greatest(_wait, (
            SELECT at + 86400000 - _now FROM evergrant.spends
            WHERE chain_id = _chain AND at > _now - 86400000 AND at <= _now + 60000
            ORDER BY at DESC OFFSET _day - 1 LIMIT 1
        ));
    END IF;
    IF _application > 0 THEN
        SELECT g.client_id INTO _client_id FROM evergrant.chains c
        JOIN evergrant.grants g ON g.id = c.grant_id WHERE c.id = _chain;
        IF _application <= (
            SELECT sum(count) FROM evergrant.application_spends WHERE client_id = _client_id
            AND minute > _now / 60000 - 60 AND minute <= _now / 60000 + 1
        ) THEN
            _wait := greatest(_wait, (
                SELECT (minute + 60) * 60000 - _now FROM (
                    SELECT minute, sum(sum(count)) OVER (ORDER BY minute DESC) AS since
                    FROM evergrant.application_spends
                    WHERE client_id = _client_id
                        AND minute > _now / 60000 - 60 AND minute <= _now / 60000 + 1
                    GROUP BY minute
                ) minutes
                WHERE since >= _application ORDER BY minute DESC LIMIT 1
            ));
        END IF;
    END IF;
    RETURN _wait;
END $$;

-- begin, and with _silent take_over. Everything that is required stands in the one WHERE.
CREATE FUNCTION evergrant.acquire(
    _offset bigint, _chain bigint, _parent bytea, _attempt bytea, _node bytea, _lease bigint,
    _hour bigint, _day bigint, _application bigint, _silent bytea, _hold_back bigint
) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    -- After the locks: a lease is never born expired.
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    UPDATE evergrant.chains c SET
        state = 'intent', attempt = _attempt, node = _node, held_until = _now + _lease,
        tries = c.tries + (c.state IN ('sent', 'ambiguous'))::integer
    FROM evergrant.grants g
    WHERE c.id = _chain AND c.lineage = _parent
        AND g.id = c.grant_id AND g.status IN ('active', 'suspended')
        AND c.epoch = evergrant.epoch()
        AND CASE
            WHEN _silent IS NULL THEN c.state IN ('idle', 'ambiguous') AND c.held_until <= _now
            WHEN c.attempt IS DISTINCT FROM _silent THEN false
            WHEN c.state = 'intent' THEN c.held_until <= _now
            WHEN c.state = 'sent' THEN c.held_until <= _now - _hold_back
            ELSE false
        END
        AND evergrant.budget_wait(_now, _chain, _hour, _day, _application) = 0;
    IF FOUND THEN
        INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
        VALUES (_grant, _now, CASE WHEN _silent IS NULL THEN 'intent' ELSE 'taken_over' END,
            _chain, _attempt, _node);
        RETURN true;
    END IF;
    -- Asked again after a lost acknowledgement.
    RETURN EXISTS (
        SELECT FROM evergrant.chains
        WHERE id = _chain AND lineage = _parent AND state = 'intent' AND attempt = _attempt
    );
END $$;

CREATE FUNCTION evergrant.confirm(_offset bigint, _chain bigint, _attempt bytea, _least bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _node bytea;
BEGIN
    UPDATE evergrant.chains SET state = 'sent'
    WHERE id = _chain AND attempt = _attempt AND state = 'intent' AND held_until > _now + _least
        AND epoch = evergrant.epoch()
    RETURNING node INTO _node;
    IF NOT FOUND THEN
        -- Asked again after a lost acknowledgement.
        RETURN EXISTS (
            SELECT FROM evergrant.chains
            WHERE id = _chain AND attempt = _attempt AND state = 'sent'
                AND held_until > _now + _least AND epoch = evergrant.epoch()
        );
    END IF;
    INSERT INTO evergrant.spends VALUES (_chain, _now);
    INSERT INTO evergrant.application_spends AS counted
    SELECT client_id, _now / 60000, _chain % 8, 1 FROM evergrant.grants WHERE id = _grant
    ON CONFLICT (client_id, minute, stripe) DO UPDATE SET count = counted.count + 1;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, 'sent', _chain, _attempt, _node);
    RETURN true;
END $$;

CREATE FUNCTION evergrant.extend(_offset bigint, _chain bigint, _attempt bytea, _lease bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.lock_chain(_chain);
    UPDATE evergrant.chains SET held_until = evergrant.now_ms(_offset) + _lease
    WHERE id = _chain AND attempt = _attempt AND state IN ('intent', 'sent');
    RETURN FOUND;
END $$;

-- Answers the grant, or null if the attempt is not the holder.
CREATE FUNCTION evergrant.testify(_offset bigint, _chain bigint, _attempt bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _held evergrant.chains;
BEGIN
    SELECT * INTO _held FROM evergrant.chains
    WHERE id = _chain AND attempt = _attempt AND state IN ('intent', 'sent');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE evergrant.chains SET
        state = CASE _held.state WHEN 'sent' THEN 'ambiguous' ELSE 'idle' END,
        held_until = CASE _held.state WHEN 'sent' THEN held_until ELSE 0 END,
        due_next = CASE WHEN _held.state = 'sent' AND due_next > _now THEN _now ELSE due_next END,
        attempt = NULL, node = NULL
    WHERE id = _chain;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, 'testified', _chain, _attempt, _held.node);
    RETURN _grant;
END $$;

-- Answers the grant, or null if the attempt is not the holder.
CREATE FUNCTION evergrant.settle(
    _offset bigint, _chain bigint, _attempt bytea, _event text, _state text, _pause bigint,
    _status text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _node bytea := (SELECT node FROM evergrant.chains WHERE id = _chain);
BEGIN
    UPDATE evergrant.chains SET
        state = _state, held_until = _now + _pause, attempt = NULL, node = NULL,
        doubted_at = CASE _state WHEN 'doubted' THEN _now END,
        due_next = CASE WHEN _state = 'ambiguous' AND due_next > _now + _pause
            THEN _now + _pause ELSE due_next END
    WHERE id = _chain AND attempt = _attempt AND state IN ('intent', 'sent');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF _status IS NOT NULL THEN
        UPDATE evergrant.grants SET status = _status WHERE id = _grant;
        PERFORM evergrant.schedule(_grant);
    END IF;
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, attempt, node)
    VALUES (_grant, _now, _event, _chain, _attempt, _node);
    RETURN _grant;
END $$;

-- Gives a doubted chain up. Answers the grant, or null if something may still succeed its pair.
CREATE FUNCTION evergrant.bury(
    _offset bigint, _chain bigint, _parent bytea, _self bytea, _answers bigint, _hold_back bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
BEGIN
    UPDATE evergrant.chains c SET
        state = 'dead', doubted_at = NULL, held_until = 0,
        role = CASE role WHEN 'spare' THEN 'retired' ELSE role END,
        retired_at = CASE role WHEN 'spare' THEN _now ELSE retired_at END
    WHERE c.id = _chain AND c.lineage = _parent AND c.state = 'doubted'
        AND NOT EXISTS (
            SELECT FROM evergrant.orphans WHERE chain_id = _chain AND parent = _parent
        )
        -- The margin: a doubt becomes visible to summons some time after its clock was read.
        AND (c.doubted_at <= _now - _hold_back OR NOT EXISTS (
            SELECT FROM evergrant.nodes n
            WHERE n.id <> _self AND n.seen_at > _now - _answers AND n.heard_at <= c.doubted_at + 5000
        ));
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE evergrant.grants SET status = 'needs_reauthorization'
    WHERE id = _grant AND status IN ('active', 'suspended') AND NOT EXISTS (
        SELECT FROM evergrant.chains
        WHERE grant_id = _grant AND (
            role = 'primary' AND state <> 'dead'
            OR role = 'spare' AND state NOT IN ('dead', 'doubted')
        )
    );
    PERFORM evergrant.schedule(_grant);
    INSERT INTO evergrant.audit (grant_id, at, event, chain_id, node)
    VALUES (_grant, _now, 'dead', _chain, _self);
    RETURN _grant;
END $$;
