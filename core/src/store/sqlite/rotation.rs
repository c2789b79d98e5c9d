//! Leases: from the intent to the verdict.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Now, audit, audit::Entry, millis};
use crate::store::{
    AttemptId, Budget, ChainId, ChainState, Lineage, NodeId, Start, Status, Verdict, keep,
};

type Done<T> = rusqlite::Result<T>;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Entries further ahead were written by a clock that has been put right since.
const AHEAD: i64 = 60_000;

/// A lease of another boot ends when this boot is as old as a lease is long: its holder should be
/// gone, but a file on a disk that was moved may have one on the machine that it came from. So does
/// the pause after a lost answer: the server may still be at work on what was sent before a reboot.
/// A doubt has no lease; it is named because the index on these states is found by its own words.
pub(super) const ADOPT: &str = "
    UPDATE chains SET held_until = ?1, held_boot = ?2
    WHERE state IN ('intent', 'sent', 'ambiguous', 'doubted') AND state <> 'doubted' AND held_boot <> ?2";

pub(super) fn adopt_leases(db: &Connection, now: &Now) -> Done<()> {
    db.execute(ADOPT, (millis(keep::LEASE), now.boot_id))?;
    Ok(())
}

/// Takes a chain where everything holds that must before a refresh token may be spent. `:silent` is
/// the attempt to take it over from; none where the chain has to be free.
const ACQUIRE: &str = "
    UPDATE chains SET tries = tries + (state IN ('ambiguous', 'sent')),
        state = 'intent', attempt = :attempt, node = :node,
        held_until = :clock + :lease, held_boot = :boot
    WHERE id = :chain AND lineage = :parent
      AND epoch = (SELECT value FROM meta WHERE name = 'epoch')
      AND NOT EXISTS (SELECT 1 FROM orphans o WHERE o.chain = chains.id AND o.parent = chains.lineage)
      AND CASE
        WHEN attempt IS :attempt THEN state = 'intent'
        WHEN held_boot = :boot AND held_until > :clock THEN 0
        WHEN :silent IS NULL THEN state IN ('idle', 'ambiguous')
        ELSE attempt IS :silent AND (state = 'intent'
            OR state = 'sent' AND held_until + :hold_back <= :clock) END
      AND (:hour = 0 OR :hour > (SELECT count(*) FROM spends s
        WHERE s.chain = chains.id AND s.at > :now - 3600000 AND s.at <= :now + 60000))
      AND (:day = 0 OR :day > (SELECT count(*) FROM spends s
        WHERE s.chain = chains.id AND s.at > :now - 86400000 AND s.at <= :now + 60000))
      AND EXISTS (SELECT 1 FROM grants g
        WHERE g.id = grant_id AND g.status IN ('active', 'suspended')
          AND (:application_hour = 0 OR :application_hour > (
            SELECT coalesce(sum(count), 0) FROM application_spends a WHERE a.client_id = g.client_id
            AND minute > (:now - 3600000) / 60000 AND minute <= :now / 60000 + 1)))
    RETURNING grant_id";

pub(super) fn acquire(
    db: &Connection,
    now: &Now,
    start: &Start,
    silent: Option<AttemptId>,
) -> Done<bool> {
    let taken = db
        .prepare_cached(ACQUIRE)?
        .query_row(
            named_params! {
                ":chain": start.chain,
                ":parent": start.parent.0,
                ":attempt": start.attempt.0,
                ":node": start.node.0,
                ":silent": silent.map(|attempt| attempt.0),
                ":lease": millis(start.lease),
                ":hold_back": millis(keep::HOLD_BACK),
                ":hour": start.budget.hour,
                ":day": start.budget.day,
                ":application_hour": start.budget.application_hour,
                ":now": now.wall,
                ":clock": now.boot,
                ":boot": now.boot_id,
            },
            |row| row.get(0),
        )
        .optional()?;
    let Some(grant) = taken else { return Ok(false) };
    let event = if silent.is_some() { "taken_over" } else { "intent" };
    let entry = Entry::of(grant, start.chain, event).by(start.attempt, Some(start.node));
    audit::append(db, now, &entry)?;
    Ok(true)
}

pub(super) fn budget_wait(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    budget: Budget,
) -> Done<Duration> {
    let mut wait = 0;
    for (allowed, window) in [(budget.hour, HOUR), (budget.day, DAY)] {
        if allowed == 0 {
            continue;
        }
        // With this one out of the window, one more fits in.
        let last: Option<i64> = db
            .prepare_cached(
                "SELECT at FROM spends WHERE chain = ?1 AND at > ?2 AND at <= ?3
                 ORDER BY at DESC LIMIT 1 OFFSET ?4",
            )?
            .query_row((chain, now.wall - window, now.wall + AHEAD, allowed - 1), |row| row.get(0))
            .optional()?;
        wait = wait.max(last.map_or(0, |at| at + window - now.wall));
    }
    let used: i64 = db.query_row(
        "SELECT coalesce(sum(count), 0) FROM application_spends
         WHERE client_id = (SELECT client_id FROM grants JOIN chains ON grants.id = grant_id WHERE chains.id = ?1)
           AND minute > ?2 AND minute <= ?3",
        (chain, (now.wall - HOUR) / 60_000, now.wall / 60_000 + 1),
        |row| row.get(0),
    )?;
    if budget.application_hour != 0 && used >= i64::from(budget.application_hour) {
        wait = wait.max(60_000);
    }
    Ok(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

pub(super) fn confirm(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    attempt: AttemptId,
    least: Duration,
) -> Done<bool> {
    let confirmed: Option<(i64, bool)> = db
        .prepare_cached(
            "SELECT grant_id, state = 'sent' FROM chains
             WHERE id = ?1 AND attempt = ?2 AND state IN ('intent', 'sent')
               AND held_boot = ?3 AND held_until > ?4
               AND epoch = (SELECT value FROM meta WHERE name = 'epoch')",
        )?
        .query_row((chain, attempt.0, &now.boot_id, now.boot + millis(least)), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match confirmed {
        None => return Ok(false),
        Some((_, true)) => return Ok(true),
        Some((grant, false)) => {
            db.prepare_cached("UPDATE chains SET state = 'sent' WHERE id = ?1")?
                .execute([chain])?;
            db.prepare_cached(
                "INSERT OR IGNORE INTO spends (chain, at, attempt) VALUES (?1, ?2, ?3)",
            )?
            .execute((chain, now.wall, attempt.0))?;
            db.prepare_cached(
                "INSERT INTO application_spends (client_id, minute, count)
                 SELECT client_id, ?2, 1 FROM grants WHERE id = ?1
                 ON CONFLICT DO UPDATE SET count = count + 1",
            )?
            .execute((grant, now.wall / 60_000))?;
            audit::append(db, now, &Entry::of(grant, chain, "sent").by(attempt, None))?;
        }
    }
    Ok(true)
}

pub(super) fn extend(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    attempt: AttemptId,
    lease: Duration,
) -> Done<bool> {
    let extended = db.execute(
        "UPDATE chains SET held_until = ?3, held_boot = ?4
         WHERE id = ?1 AND attempt = ?2 AND state IN ('intent', 'sent')",
        (chain, attempt.0, now.boot + millis(lease), &now.boot_id),
    )?;
    Ok(extended == 1)
}

pub(super) fn testify(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    attempt: AttemptId,
) -> Done<bool> {
    let grant = db
        .query_row(
            "UPDATE chains SET
                 held_until = CASE state WHEN 'intent' THEN 0 ELSE held_until END,
                 state = CASE WHEN state = 'intent' AND tries = 0 THEN 'idle' ELSE 'ambiguous' END,
                 tries = tries - (state = 'intent' AND tries > 0),
                 due_at = CASE WHEN state = 'intent' AND tries = 0 THEN due_at ELSE min(due_at, ?3) END,
                 attempt = NULL, node = NULL
             WHERE id = ?1 AND attempt = ?2 AND state IN ('intent', 'sent') RETURNING grant_id",
            (chain, attempt.0, now.wall / 1000),
            |row| row.get(0),
        )
        .optional()?;
    let Some(grant) = grant else { return Ok(false) };
    audit::append(db, now, &Entry::of(grant, chain, "testified").by(attempt, None))?;
    Ok(true)
}

pub(super) fn settle(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    attempt: AttemptId,
    verdict: Verdict,
) -> Done<bool> {
    let (state, pause, event) = match verdict {
        Verdict::Released(pause) => (ChainState::Idle, pause, "released"),
        Verdict::Ambiguous(pause) => (ChainState::Ambiguous, pause, "ambiguous"),
        Verdict::Status(status, pause) => (ChainState::Idle, pause, status.as_str()),
        Verdict::Refused => (ChainState::Doubted, Duration::ZERO, "refused"),
    };
    let grant = db
        .query_row(
            "UPDATE chains SET held_until = ?4, held_boot = ?5, attempt = NULL, node = NULL,
                 state = CASE WHEN ?8 AND tries > 0 THEN 'ambiguous' ELSE ?3 END,
                 tries = tries - (?8 AND tries > 0 AND state = 'intent'),
                 doubted_at = CASE ?3 WHEN 'doubted' THEN ?6 ELSE doubted_at END,
                 due_at = CASE WHEN ?3 = 'ambiguous' OR ?8 AND tries > 0 THEN min(due_at, ?7)
                     ELSE due_at END
             WHERE id = ?1 AND attempt = ?2 AND state IN ('intent', 'sent') RETURNING grant_id",
            (
                chain,
                attempt.0,
                state.as_str(),
                now.boot + millis(pause),
                &now.boot_id,
                now.wall,
                (now.wall + millis(pause)) / 1000,
                matches!(verdict, Verdict::Released(_)),
            ),
            |row| row.get(0),
        )
        .optional()?;
    let Some(grant) = grant else { return Ok(false) };
    if let Verdict::Status(status, _) = verdict {
        db.execute("UPDATE grants SET status = ?2 WHERE id = ?1", (grant, status.as_str()))?;
    }
    audit::append(db, now, &Entry::of(grant, chain, event).by(attempt, None))?;
    Ok(true)
}

pub(super) fn bury(
    db: &Connection,
    now: &Now,
    chain: ChainId,
    parent: Lineage,
    node: NodeId,
) -> Done<bool> {
    let buried: Option<i64> = db
        .query_row(
            "UPDATE chains SET state = 'dead', held_until = 0, retired_at = ?4,
                 role = CASE role WHEN 'spare' THEN 'retired' ELSE role END
             WHERE id = ?1 AND lineage = ?2 AND state = 'doubted'
               AND NOT EXISTS (SELECT 1 FROM orphans WHERE chain = ?1 AND parent = ?2)
               AND (doubted_at <= ?4 - ?5 OR NOT EXISTS (
                   SELECT 1 FROM nodes WHERE id <> ?3 AND last_seen > ?4 - ?6 AND heard <= doubted_at))
             RETURNING grant_id",
            (
                chain,
                parent.0,
                node.0,
                now.wall,
                millis(keep::HOLD_BACK),
                millis(keep::ANSWERS),
            ),
            |row| row.get(0),
        )
        .optional()?;
    let Some(grant) = buried else { return Ok(false) };
    db.execute(
        "UPDATE grants SET status = ?2 WHERE id = ?1 AND status IN ('active', 'suspended')
             AND NOT EXISTS (SELECT 1 FROM chains WHERE grant_id = ?1 AND (
                 role = 'primary' AND state <> 'dead'
                 OR role = 'spare' AND state NOT IN ('dead', 'doubted')))",
        (grant, Status::NeedsReauthorization.as_str()),
    )?;
    audit::append(db, now, &Entry::of(grant, chain, "dead").at_node(node))?;
    Ok(true)
}
