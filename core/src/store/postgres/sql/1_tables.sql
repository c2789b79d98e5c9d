-- Times are Unix milliseconds by this server's clock, unless a name ends in _expires_at or is due_at:
-- those come from the vendor, in seconds.

CREATE TABLE evergrant.meta (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- No index on what a rotation changes: its updates stay on their page.
CREATE TABLE evergrant.grants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL,
    member_id text NOT NULL,
    user_id bigint NOT NULL,
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'suspended', 'needs_reauthorization', 'uninstalled')),
    generation bigint NOT NULL DEFAULT 0,
    data_key bytea NOT NULL,
    client_endpoint text NOT NULL DEFAULT '',
    authorization_server text NOT NULL DEFAULT '',
    scope text[] NOT NULL DEFAULT '{}',
    application_status text,
    -- The last entry of the audit.
    audit_number bigint NOT NULL DEFAULT 0,
    audit_hash bytea NOT NULL DEFAULT '',
    UNIQUE (client_id, member_id, user_id)
) WITH (fillfactor = 70);

CREATE TABLE evergrant.chains (
    id bigint PRIMARY KEY,
    grant_id bigint NOT NULL REFERENCES evergrant.grants (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('primary', 'spare', 'retired')),
    state text NOT NULL DEFAULT 'idle'
        CHECK (state IN ('idle', 'intent', 'sent', 'ambiguous', 'doubted', 'dead')),
    lineage bytea NOT NULL CHECK (length(lineage) = 16),
    access bytea NOT NULL,
    refresh bytea NOT NULL,
    refresh_hash bytea NOT NULL CHECK (length(refresh_hash) = 32),
    access_expires_at bigint NOT NULL,
    refresh_expires_at bigint NOT NULL,
    due_at bigint NOT NULL,
    -- When the keep-alive looks at it next; null while there is nothing to keep alive.
    due_next bigint,
    -- Who holds it, in intent and sent only.
    attempt bytea CHECK (length(attempt) = 16),
    node bytea CHECK (length(node) = 16),
    -- End of the lease, or of the pause.
    held_until bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    epoch bytea NOT NULL,
    -- In state doubted only.
    doubted_at bigint,
    -- In role retired only.
    retired_at bigint
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX chains_primary ON evergrant.chains (grant_id) WHERE role = 'primary';
CREATE INDEX chains_grant ON evergrant.chains (grant_id);
CREATE INDEX chains_refresh_hash ON evergrant.chains (refresh_hash);
CREATE INDEX chains_due ON evergrant.chains (due_next) WHERE due_next IS NOT NULL;
CREATE INDEX chains_node ON evergrant.chains (node) WHERE node IS NOT NULL;
CREATE INDEX chains_doubted ON evergrant.chains (doubted_at) WHERE doubted_at IS NOT NULL;
CREATE INDEX chains_retired ON evergrant.chains (retired_at) WHERE retired_at IS NOT NULL;

-- Consents that were installed, by the attempt that brought them.
CREATE TABLE evergrant.consents (
    attempt bytea PRIMARY KEY,
    chain_id bigint NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX consents_at ON evergrant.consents (at);

-- Refresh tokens that were spent.
CREATE TABLE evergrant.spent (
    hash bytea PRIMARY KEY,
    at bigint NOT NULL
);
CREATE INDEX spent_at ON evergrant.spent USING brin (at);

-- Answers whose parent was not there when they came. Their chain may not be there either.
CREATE TABLE evergrant.orphans (
    chain_id bigint NOT NULL,
    lineage bytea NOT NULL,
    grant_id bigint NOT NULL,
    parent bytea NOT NULL,
    spent bytea,
    client_endpoint text NOT NULL,
    authorization_server text NOT NULL,
    scope text[] NOT NULL,
    application_status text,
    access bytea NOT NULL,
    refresh bytea NOT NULL,
    refresh_hash bytea NOT NULL,
    access_expires_at bigint NOT NULL,
    refresh_expires_at bigint NOT NULL,
    due_at bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (chain_id, lineage)
);

-- Budgets: what was sent, by chain, and by application in stripes so that its chains do not queue.
CREATE TABLE evergrant.spends (
    chain_id bigint NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX spends_chain ON evergrant.spends (chain_id, at);

CREATE TABLE evergrant.application_spends (
    client_id text NOT NULL,
    minute bigint NOT NULL,
    stripe smallint NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (client_id, minute, stripe)
) WITH (fillfactor = 50);

CREATE TABLE evergrant.nodes (
    id bytea PRIMARY KEY CHECK (length(id) = 16),
    seen_at bigint NOT NULL,
    -- It has brought in what it could for what it was summoned to until then.
    heard_at bigint NOT NULL,
    depth bigint NOT NULL
);

CREATE TABLE evergrant.audit (
    grant_id bigint NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL,
    chain_id bigint NOT NULL,
    attempt bytea,
    node bytea,
    generation bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (grant_id, number)
);
-- The change feed: a grant's place in it is its last entry.
CREATE INDEX audit_at ON evergrant.audit (at);
