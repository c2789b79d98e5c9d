//! Room in a portal's bucket: one function of the schema.

use super::{
    PostgresStore, Result,
    call::{get, once},
};
use crate::{
    Error, Kind,
    store::{Take, Taken},
};

pub(super) async fn take(store: &PostgresStore, portal: &str, take: Take) -> Result<Taken> {
    let call = once("SELECT granted, level FROM evergrant.take_permits($1, $2, $3, $4, $5, $6)");
    let call = store
        .timed(call)
        .text(portal)
        .int(take.want)
        .real(take.room)
        .real(take.per_second)
        .real(take.at_least);
    let rows = store.rows(call).await?;
    let row = rows
        .first()
        .ok_or_else(|| Error::new(Kind::Internal, "the store's database answered nothing"))?;
    let granted: i64 = get(row, 0)?;
    Ok(Taken { granted: u32::try_from(granted).unwrap_or(0), level: get(row, 1)? })
}
