//! Taking pairs in.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{
    Now,
    audit::{self, Entry},
    read,
};
use crate::store::{
    AttemptId, ChainId, Commit, Committed, Endpoints, GrantId, Identity, Install, Installed,
    Lineage, Role, TokenHash, keep,
};

type Done<T> = rusqlite::Result<T>;

pub(super) fn ensure_grant(
    db: &Connection,
    identity: &Identity,
    data_key: &[u8],
) -> Done<(GrantId, Vec<u8>)> {
    let Identity { client_id, member_id, user_id } = identity;
    db.execute(
        "INSERT OR IGNORE INTO grants (client_id, member_id, user_id, data_key) VALUES (?1, ?2, ?3, ?4)",
        params![client_id, member_id, user_id, data_key],
    )?;
    db.query_row(
        "SELECT id, data_key FROM grants WHERE client_id = ?1 AND member_id = ?2 AND user_id = ?3",
        params![client_id, member_id, user_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

pub(super) fn install(db: &Connection, now: &Now, install: &Install) -> Done<Installed> {
    let lineage = install.pair.lineage;
    if was_installed(db, lineage)? {
        return Ok(Installed::Before);
    }
    if is_known(db, &install.pair.refresh_hash)? {
        return Ok(Installed::Known);
    }
    note_consent(db, now, lineage)?;
    if install.role == Role::Primary {
        retire(db, now, install.grant, install.former)?;
    }
    insert(db, install)?;
    trim(db, now, install.grant, install.chain)?;
    let entry = Entry::of(install.grant, install.chain, "installed").by(AttemptId(lineage.0), None);
    if install.role == Role::Primary {
        let generation =
            next_generation(db, install.grant, Cause::Consent, Some(&install.endpoints))?;
        audit::append(db, now, &entry)?;
        return Ok(Installed::Current(generation));
    }
    audit::append(db, now, &entry)?;
    Ok(Installed::Spare)
}

fn was_installed(db: &Connection, lineage: Lineage) -> Done<bool> {
    let exists = "SELECT EXISTS (SELECT 1 FROM consents WHERE lineage = ?1)";
    db.query_row(exists, [lineage.0], |row| row.get(0))
}

fn note_consent(db: &Connection, now: &Now, lineage: Lineage) -> Done<()> {
    db.execute("INSERT INTO consents (lineage, at) VALUES (?1, ?2)", (lineage.0, now.wall))?;
    Ok(())
}

fn insert(db: &Connection, install: &Install) -> Done<()> {
    let Install { pair, .. } = install;
    db.execute(
        "INSERT INTO chains (id, grant_id, role, epoch, lineage, access, refresh, refresh_hash,
             access_expires_at, refresh_expires_at, due_at)
         VALUES (?1, ?2, ?3, (SELECT value FROM meta WHERE name = 'epoch'), ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            install.chain,
            install.grant,
            install.role.as_str(),
            pair.lineage.0,
            pair.access,
            pair.refresh,
            pair.refresh_hash.0,
            pair.access_expires_at,
            pair.refresh_expires_at,
            pair.due_at
        ],
    )?;
    Ok(())
}

/// Makes the primary something else.
fn retire(db: &Connection, now: &Now, grant: GrantId, role: Role) -> Done<()> {
    db.execute(
        "UPDATE chains SET role = ?2, retired_at = CASE ?2 WHEN 'retired' THEN ?3 END
         WHERE grant_id = ?1 AND role = 'primary'",
        (grant, role.as_str(), now.wall),
    )?;
    Ok(())
}

/// Retires the spares that are too many, those first that die first; never the one that just came.
fn trim(db: &Connection, now: &Now, grant: GrantId, new: ChainId) -> Done<()> {
    db.execute(
        "UPDATE chains SET role = 'retired', retired_at = ?2 WHERE id IN (
             SELECT id FROM chains WHERE grant_id = ?1 AND role = 'spare'
             ORDER BY id = ?4 DESC, refresh_expires_at DESC, id LIMIT -1 OFFSET ?3)",
        (grant, now.wall, keep::SPARES, new),
    )?;
    Ok(())
}

fn remember_spent(db: &Connection, now: &Now, spent: Option<TokenHash>) -> Done<()> {
    if let Some(hash) = spent {
        db.prepare_cached("INSERT OR IGNORE INTO spent (hash, at) VALUES (?1, ?2)")?
            .execute((hash.0, now.wall))?;
    }
    Ok(())
}

pub(super) fn is_known(db: &Connection, hash: &TokenHash) -> Done<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM spent WHERE hash = ?1)
             OR EXISTS (SELECT 1 FROM chains WHERE refresh_hash = ?1)",
        [hash.0],
        |row| row.get(0),
    )
}

/// Whoever gets true may spend it.
pub(super) fn claim(db: &Connection, now: &Now, hash: TokenHash) -> Done<bool> {
    if is_known(db, &hash)? {
        return Ok(false);
    }
    remember_spent(db, now, Some(hash))?;
    Ok(true)
}

pub(super) fn commit(db: &Connection, now: &Now, commit: &Commit) -> Done<Committed> {
    let Commit { pair, .. } = commit;
    let replaced: Option<String> = db
        .prepare_cached(
            "UPDATE chains SET lineage = :lineage, access = :access, refresh = :refresh,
                 refresh_hash = :hash, access_expires_at = :access_expires_at,
                 refresh_expires_at = :refresh_expires_at, due_at = :due_at,
                 state = 'idle', attempt = NULL, node = NULL, held_until = 0, tries = 0,
                 role = CASE role WHEN 'retired' THEN 'spare' ELSE role END, retired_at = NULL,
                 epoch = (SELECT value FROM meta WHERE name = 'epoch')
             WHERE id = :chain AND lineage = :parent RETURNING role",
        )?
        .query_row(
            named_params! {
                ":chain": commit.chain,
                ":parent": commit.parent.0,
                ":lineage": pair.lineage.0,
                ":access": pair.access,
                ":refresh": pair.refresh,
                ":hash": pair.refresh_hash.0,
                ":access_expires_at": pair.access_expires_at,
                ":refresh_expires_at": pair.refresh_expires_at,
                ":due_at": pair.due_at,
            },
            |row| row.get(0),
        )
        .optional()?;
    remember_spent(db, now, commit.spent)?;
    let Some(role) = replaced else { return keep_orphan(db, now, commit) };
    let entry =
        Entry::of(commit.grant, commit.chain, "committed").by(AttemptId(pair.lineage.0), None);
    let generation = if role == Role::Primary.as_str() {
        next_generation(db, commit.grant, Cause::Renewal, Some(&commit.endpoints))?
    } else {
        trim(db, now, commit.grant, commit.chain)?;
        generation(db, commit.grant)?
    };
    audit::append(db, now, &entry)?;
    let promoted =
        if role == Role::Primary.as_str() { None } else { revive(db, now, commit.grant)? };
    Ok(Committed::Current(promoted.unwrap_or(generation)))
}

/// A late answer is a way out for a grant whose primary was given up.
fn revive(db: &Connection, now: &Now, grant: GrantId) -> Done<Option<i64>> {
    let dead: Option<ChainId> = db
        .query_row(
            "SELECT id FROM chains WHERE grant_id = ?1 AND role = 'primary' AND state = 'dead'",
            [grant],
            |row| row.get(0),
        )
        .optional()?;
    dead.map_or(Ok(None), |dead| promote(db, now, grant, dead))
}

fn keep_orphan(db: &Connection, now: &Now, commit: &Commit) -> Done<Committed> {
    let Commit { pair, .. } = commit;
    let committed: Option<i64> = db
        .query_row(
            "SELECT generation FROM grants JOIN chains ON grant_id = grants.id
             WHERE chains.id = ?1 AND lineage = ?2",
            (commit.chain, pair.lineage.0),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(generation) = committed {
        return Ok(Committed::Current(generation));
    }
    let kept = db.execute(
        "INSERT INTO orphans (chain, parent, lineage, grant_id, spent, endpoints, access, refresh,
             refresh_hash, access_expires_at, refresh_expires_at, due_at, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT DO UPDATE SET lineage = excluded.lineage, spent = excluded.spent,
             endpoints = excluded.endpoints, access = excluded.access, refresh = excluded.refresh,
             refresh_hash = excluded.refresh_hash, access_expires_at = excluded.access_expires_at,
             refresh_expires_at = excluded.refresh_expires_at, due_at = excluded.due_at, at = excluded.at
         WHERE excluded.access_expires_at > access_expires_at",
        params![
            commit.chain,
            commit.parent.0,
            pair.lineage.0,
            commit.grant,
            commit.spent.map(|hash| hash.0),
            serde_json::to_string(&commit.endpoints).unwrap_or_default(),
            pair.access,
            pair.refresh,
            pair.refresh_hash.0,
            pair.access_expires_at,
            pair.refresh_expires_at,
            pair.due_at,
            now.wall
        ],
    )?;
    let known: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE id = ?1)",
        [commit.grant],
        |row| row.get(0),
    )?;
    if kept == 1 && known {
        let entry = Entry::of(commit.grant, commit.chain, "orphaned");
        audit::append(db, now, &entry.by(AttemptId(pair.lineage.0), None))?;
    }
    Ok(Committed::Orphan)
}

pub(super) fn orphan(db: &Connection, chain: ChainId, parent: Lineage) -> Done<Option<Commit>> {
    db.query_row(
        "SELECT lineage, access, refresh, refresh_hash, access_expires_at, refresh_expires_at, due_at,
             grant_id, spent, endpoints FROM orphans WHERE chain = ?1 AND parent = ?2
             AND EXISTS (SELECT 1 FROM chains WHERE id = ?1 AND lineage = ?2)",
        (chain, parent.0),
        |row| {
            let spent: Option<[u8; 32]> = row.get(8)?;
            Ok(Commit {
                grant: row.get(7)?,
                chain,
                parent,
                spent: spent.map(TokenHash),
                endpoints: read::json(row, 9)?,
                pair: read::pair(row, 0)?,
            })
        },
    )
    .optional()
}

pub(super) fn promote(
    db: &Connection,
    now: &Now,
    grant: GrantId,
    failed: ChainId,
) -> Done<Option<i64>> {
    let spare: Option<ChainId> = db
        .query_row(
            "SELECT s.id FROM chains s JOIN chains p ON p.grant_id = s.grant_id
             JOIN grants g ON g.id = s.grant_id AND g.status <> 'uninstalled'
             WHERE s.grant_id = ?1 AND s.role = 'spare' AND s.state = 'idle'
               AND p.id = ?2 AND p.role = 'primary'
               AND (p.state IN ('dead', 'doubted', 'ambiguous')
                 OR p.state IN ('intent', 'sent') AND p.held_until <= ?3)
             ORDER BY s.refresh_expires_at DESC, s.id LIMIT 1",
            (grant, failed, now.boot),
            |row| row.get(0),
        )
        .optional()?;
    let Some(spare) = spare else { return Ok(None) };
    retire(db, now, grant, Role::Retired)?;
    db.execute("UPDATE chains SET role = 'primary' WHERE id = ?1", [spare])?;
    let generation = next_generation(db, grant, Cause::Renewal, None)?;
    audit::append(db, now, &Entry::of(grant, spare, "promoted"))?;
    Ok(Some(generation))
}

pub(super) fn transfer(
    db: &Connection,
    now: &Now,
    user_id: i64,
    install: &Install,
) -> Done<Option<i64>> {
    let lineage = install.pair.lineage;
    if was_installed(db, lineage)? {
        return generation(db, install.grant).map(Some);
    }
    if is_known(db, &install.pair.refresh_hash)? {
        return Ok(None);
    }
    let moved = db.execute(
        "UPDATE OR IGNORE grants SET user_id = ?2 WHERE id = ?1",
        (install.grant, user_id),
    )?;
    if moved == 0 {
        return Ok(None);
    }
    db.execute("DELETE FROM chains WHERE grant_id = ?1", [install.grant])?;
    note_consent(db, now, lineage)?;
    insert(db, install)?;
    let generation = next_generation(db, install.grant, Cause::Consent, Some(&install.endpoints))?;
    let entry = Entry::of(install.grant, install.chain, "transferred");
    audit::append(db, now, &entry.by(AttemptId(install.pair.lineage.0), None))?;
    Ok(Some(generation))
}

pub(super) fn release(db: &Connection, now: &Now, chain: ChainId, parent: Lineage) -> Done<bool> {
    let released: Option<GrantId> = db
        .query_row(
            "UPDATE chains SET epoch = (SELECT value FROM meta WHERE name = 'epoch')
             WHERE id = ?1 AND lineage = ?2 RETURNING grant_id",
            (chain, parent.0),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(grant) = released {
        audit::append(db, now, &Entry::of(grant, chain, "unquarantined"))?;
    }
    Ok(released.is_some())
}

fn generation(db: &Connection, grant: GrantId) -> Done<i64> {
    db.query_row("SELECT generation FROM grants WHERE id = ?1", [grant], |row| row.get(0))
}

/// Why readers get another pair. Only a person can bring an uninstalled grant back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Consent,
    Renewal,
}

fn next_generation(
    db: &Connection,
    grant: GrantId,
    cause: Cause,
    endpoints: Option<&Endpoints>,
) -> Done<i64> {
    if let Some(endpoints) = endpoints {
        db.prepare_cached(
            "UPDATE grants SET client_endpoint = ?2, authorization_server = ?3, scope = ?4,
                 application_status = ?5 WHERE id = ?1",
        )?
        .execute(params![
            grant,
            endpoints.client_endpoint,
            endpoints.authorization_server,
            serde_json::to_string(&endpoints.scope).unwrap_or_default(),
            endpoints.application_status
        ])?;
    }
    db.prepare_cached(
        "UPDATE grants SET generation = generation + 1,
             status = CASE WHEN ?2 AND status = 'uninstalled' THEN status ELSE 'active' END WHERE id = ?1 RETURNING generation",
    )?
    .query_row((grant, cause == Cause::Renewal), |row| row.get(0))
}
