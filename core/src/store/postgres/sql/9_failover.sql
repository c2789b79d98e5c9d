-- Nothing is spent on a server that took another's place until somebody has looked at what it knows, nor
-- a token whose successor is known.

-- Whether this is the timeline that the store was recognised on. Where that could not be asked, yes.
CREATE FUNCTION evergrant.is_at_home() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    _known bytea := (SELECT value FROM evergrant.meta WHERE name = 'installation');
BEGIN
    IF _known IS NULL THEN
        RETURN true;
    END IF;
    RETURN split_part(convert_from(_known, 'UTF8'), '/', 2)
        = substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
END $$;

-- begin, and with _silent take_over. Everything that is required stands in the one WHERE.
CREATE OR REPLACE FUNCTION evergrant.acquire(
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
        AND c.epoch = evergrant.epoch() AND evergrant.is_at_home()
        AND NOT EXISTS (
            SELECT FROM evergrant.orphans o WHERE o.chain_id = c.id AND o.parent = c.lineage
        )
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

CREATE OR REPLACE FUNCTION evergrant.confirm(_offset bigint, _chain bigint, _attempt bytea, _least bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint := evergrant.lock_chain(_chain);
    _now bigint := evergrant.now_ms(_offset);
    _node bytea;
BEGIN
    UPDATE evergrant.chains SET state = 'sent'
    WHERE id = _chain AND attempt = _attempt AND state = 'intent' AND held_until > _now + _least
        AND epoch = evergrant.epoch() AND evergrant.is_at_home()
    RETURNING node INTO _node;
    IF NOT FOUND THEN
        -- Asked again after a lost acknowledgement.
        RETURN EXISTS (
            SELECT FROM evergrant.chains
            WHERE id = _chain AND attempt = _attempt AND state = 'sent'
                AND held_until > _now + _least AND epoch = evergrant.epoch()
                AND evergrant.is_at_home()
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
