//! What is due, what has changed, and who is alive.

use std::time::Duration;

use rusqlite::{Connection, Row};

use super::{Now, millis, read};
use crate::store::{Changed, NodeId, Status, Summons, keep};

type Done<T> = rusqlite::Result<T>;

/// The most that one call is summoned to.
const MOST: usize = 1000;

/// All four states by name: only then does SQLite see that the index has every row.
const SUMMONED: &str = "
    SELECT grant_id, id FROM chains
    WHERE state IN ('intent', 'sent', 'ambiguous', 'doubted') AND state <> 'ambiguous'
        AND (state = 'doubted' OR node = ?1 AND held_until <= ?2) LIMIT 1000";

/// A cross join, so that SQLite goes by the due index and not through all of the application's grants.
const DUE: &str = "
    SELECT c.grant_id, c.id FROM chains c CROSS JOIN grants g ON g.id = c.grant_id
    WHERE c.due_at <= ?1 AND c.role <> 'retired' AND g.status = 'active' AND g.client_id = ?3
        AND c.state IN ('idle', 'ambiguous', 'intent', 'sent')
        AND (CASE WHEN c.held_boot = ?5 THEN c.held_until ELSE 0 END) <= ?4
    ORDER BY c.due_at LIMIT ?2";

pub(super) fn heartbeat(
    db: &Connection,
    now: &Now,
    node: NodeId,
    depth: u32,
    attended: i64,
) -> Done<(Vec<Summons>, i64)> {
    db.execute(
        "INSERT INTO nodes (id, last_seen, spool_depth, heard) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET heard = max(heard, excluded.heard),
             last_seen = excluded.last_seen, spool_depth = excluded.spool_depth",
        (node.0, now.wall, depth, attended),
    )?;
    let found: Vec<Summons> = db
        .prepare_cached(SUMMONED)?
        .query_map((node.0, now.boot), summons)?
        .collect::<Done<_>>()?;
    // Where they do not all fit, nobody can say that all were attended to.
    let mark = if found.len() < MOST { now.wall } else { 0 };
    Ok((found, mark))
}

pub(super) fn due(
    db: &Connection,
    now: &Now,
    client_id: &str,
    limit: u32,
    again: Duration,
) -> Done<Vec<Summons>> {
    let due: Vec<Summons> = db
        .prepare_cached(DUE)?
        .query_map((now.wall / 1000, limit, client_id, now.boot, &now.boot_id), summons)?
        .collect::<Done<_>>()?;
    let until = (now.wall + millis(again)) / 1000;
    for chain in &due {
        db.prepare_cached("UPDATE chains SET due_at = ?2 WHERE id = ?1")?
            .execute((chain.chain, until))?;
    }
    Ok(due)
}

fn summons(row: &Row<'_>) -> Done<Summons> {
    Ok(Summons { grant: row.get(0)?, chain: row.get(1)? })
}

pub(super) fn changes(db: &Connection, now: &Now, since: i64) -> Done<(Vec<Changed>, i64)> {
    let changed = db
        .prepare_cached(
            "SELECT id, generation, status, changed_at FROM grants
             WHERE changed_at >= ?1 ORDER BY changed_at LIMIT 1000",
        )?
        .query_map([since], |row| {
            Ok(Changed {
                grant: row.get(0)?,
                generation: row.get(1)?,
                status: read::word(row, 2, Status::parse)?,
                at: row.get(3)?,
            })
        })?
        .collect::<Done<_>>()?;
    Ok((changed, now.wall))
}

pub(super) fn prune(db: &Connection, now: &Now) -> Done<()> {
    let before = |age: Duration| now.wall - millis(age);
    db.execute("DELETE FROM spent WHERE at < ?1", [before(keep::SPENT)])?;
    db.execute("DELETE FROM consents WHERE at < ?1", [before(keep::SPENT)])?;
    db.execute("DELETE FROM orphans WHERE at < ?1", [before(keep::RETIRED)])?;
    db.execute("DELETE FROM nodes WHERE last_seen < ?1", [before(keep::ANSWERS)])?;
    db.execute("DELETE FROM spends WHERE at < ?1", [before(Duration::from_secs(86_400))])?;
    db.execute(
        "DELETE FROM application_spends WHERE minute < ?1",
        [before(Duration::from_secs(3600)) / 60_000],
    )?;
    db.execute(
        "DELETE FROM chains WHERE role = 'retired' AND retired_at < ?1",
        [before(keep::RETIRED)],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;

    use super::{super::rotation::ADOPT, *};

    #[test]
    fn what_is_asked_all_the_time_goes_by_an_index() {
        let mut db = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&mut db).unwrap();
        for (statement, index) in
            [(SUMMONED, "chains_watched"), (DUE, "chains_due"), (ADOPT, "chains_watched")]
        {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let count = plan.parameter_count();
            let steps: Vec<String> = plan
                .query_map(params_from_iter(vec![1; count]), |row| row.get("detail"))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert!(steps[0].contains(index), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("SCAN")), "{steps:?}");
        }
    }
}
