//! Room in a portal's bucket: one statement.

use rusqlite::{Connection, named_params};

use super::Now;
use crate::store::{Take, Taken};

/// By the boot-time clock, so that no jump fills or empties a bucket; one of another boot has leaked.
pub(super) fn take(
    db: &Connection,
    now: &Now,
    portal: &str,
    take: Take,
) -> rusqlite::Result<Taken> {
    let mut statement = db.prepare_cached(
        "INSERT INTO buckets (portal, level, at, boot, granted)
         SELECT :portal, level + granted, max(at, :now), :boot, granted FROM (
             SELECT level, at,
                 max(0, min(:want, CAST(:room - level + 1e-6 AS INTEGER))) AS granted
             FROM (
                 SELECT max(:at_least, coalesce(max(level - :leak * max(:now - at, 0) / 1000.0), 0.0), 0.0)
                     AS level, coalesce(max(at), 0) AS at
                 FROM buckets WHERE portal = :portal AND boot = :boot
             )
         )
         WHERE true
         ON CONFLICT (portal) DO UPDATE SET
             level = excluded.level, at = excluded.at, boot = excluded.boot, granted = excluded.granted
         RETURNING granted, level",
    )?;
    statement.query_row(
        named_params! {
            ":portal": portal,
            ":want": take.want,
            ":room": take.room,
            ":leak": take.per_second,
            ":at_least": take.at_least,
            ":now": now.boot,
            ":boot": now.boot_id,
        },
        |row| Ok(Taken { granted: row.get(0)?, level: row.get(1)? }),
    )
}
