-- What is read before and after each rotation. Behind a pooler no statement stays prepared; a
-- function's plan does.

CREATE FUNCTION evergrant.grant_by_id(_offset bigint, _grant bigint) RETURNS TABLE (
    chain_id bigint, grant_id bigint, role text, state text, lineage bytea, access bytea, refresh bytea,
    refresh_hash bytea, access_expires_at bigint, refresh_expires_at bigint, due_at bigint,
    attempt bytea, node bytea, held_for bigint, tries integer, quarantined boolean,
    client_id text, member_id text, user_id bigint, status text, generation bigint, data_key bytea,
    client_endpoint text, authorization_server text, scope text[], application_status text
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now bigint := evergrant.now_ms(_offset);
    _epoch bytea := evergrant.epoch();
BEGIN
    RETURN QUERY
    SELECT c.id, c.grant_id, c.role, c.state, c.lineage, c.access, c.refresh, c.refresh_hash,
        c.access_expires_at, c.refresh_expires_at, c.due_at, c.attempt, c.node,
        greatest(c.held_until - _now, 0), c.tries, c.epoch <> _epoch,
        g.client_id, g.member_id, g.user_id, g.status, g.generation, g.data_key,
        g.client_endpoint, g.authorization_server, g.scope, g.application_status
    FROM evergrant.grants g JOIN evergrant.chains c ON c.grant_id = g.id AND c.role = 'primary'
    WHERE g.id = _grant;
END $$;
