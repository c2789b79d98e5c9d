-- What the other functions stand on. They are plpgsql all: those plans are kept, those of sql are not.

-- The moment itself, not the transaction's start, and never a replica's.
CREATE FUNCTION evergrant.now_ms(_offset bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a replica' USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + _offset;
END $$;

-- Makes this transaction's commit wait for the disk where the server's default would not.
CREATE FUNCTION evergrant.durable() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

-- Whoever changes a grant or one of its chains locks the grant first: changes of one grant queue, and
-- the statements after this one see all that was done before them.
CREATE FUNCTION evergrant.lock_grant(_grant bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.durable();
    PERFORM FROM evergrant.grants WHERE id = _grant FOR NO KEY UPDATE;
    RETURN FOUND;
END $$;

-- As lock_grant, by a chain, and locks that after its grant. Answers the grant.
CREATE FUNCTION evergrant.lock_chain(_chain bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _grant bigint;
BEGIN
    PERFORM evergrant.durable();
    SELECT g.id INTO _grant FROM evergrant.chains c JOIN evergrant.grants g ON g.id = c.grant_id
    WHERE c.id = _chain FOR NO KEY UPDATE OF g, c;
    RETURN _grant;
END $$;

CREATE FUNCTION evergrant.epoch() RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT value FROM evergrant.meta WHERE name = 'epoch');
END $$;

-- Sets a named value if it is what the caller expects; answers what it is afterwards.
CREATE FUNCTION evergrant.set_meta(_name text, _expected bytea, _value bytea) RETURNS bytea
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM evergrant.durable();
    IF _expected IS NULL THEN
        INSERT INTO evergrant.meta VALUES (_name, _value) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE evergrant.meta SET value = _value WHERE name = _name AND value = _expected;
    END IF;
    RETURN (SELECT value FROM evergrant.meta WHERE name = _name);
END $$;

-- Numbers an entry and chains it to the one before; the grant's row keeps the end of the chain.
CREATE FUNCTION evergrant.audit_entry() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE evergrant.grants SET
        audit_number = audit_number + 1,
        audit_hash = sha256(convert_to(concat_ws('|',
            encode(audit_hash, 'hex'), id, audit_number + 1, NEW.at, NEW.event, NEW.chain_id,
            coalesce(encode(NEW.attempt, 'hex'), ''), coalesce(encode(NEW.node, 'hex'), ''),
            generation), 'UTF8'))
    WHERE id = NEW.grant_id
    RETURNING audit_number, audit_hash, generation INTO NEW.number, NEW.hash, NEW.generation;
    RETURN NEW;
END $$;

CREATE TRIGGER entry BEFORE INSERT ON evergrant.audit
FOR EACH ROW EXECUTE FUNCTION evergrant.audit_entry();

CREATE FUNCTION evergrant.audit_stays() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON evergrant.audit
FOR EACH ROW EXECUTE FUNCTION evergrant.audit_stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON evergrant.audit
FOR EACH STATEMENT EXECUTE FUNCTION evergrant.audit_stays();

-- Keeps the due index to chains that there is something to keep alive in.
CREATE FUNCTION evergrant.schedule(_grant bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE evergrant.chains c SET due_next = CASE WHEN keep THEN c.due_at * 1000 END
    FROM (
        SELECT c.id, g.status = 'active' AND c.role <> 'retired' AND c.state <> 'dead' AS keep
        FROM evergrant.chains c JOIN evergrant.grants g ON g.id = c.grant_id
        WHERE g.id = _grant
    ) wanted
    WHERE c.id = wanted.id AND keep <> (c.due_next IS NOT NULL);
END $$;

-- Whether a refresh token is a chain's current one or was spent. Until the transaction ends, nobody
-- else takes the same token in.
CREATE FUNCTION evergrant.lock_token(_hash bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('evergrant' || encode(_hash, 'hex'), 0));
    RETURN evergrant.is_known(_hash);
END $$;

CREATE FUNCTION evergrant.is_known(_hash bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM evergrant.chains WHERE refresh_hash = _hash)
        OR EXISTS (SELECT FROM evergrant.spent WHERE hash = _hash);
END $$;
