//! Room in a portal's bucket: one script.

use super::{RedisStore, rows, script::Call, script::TAKE_PERMITS};
use crate::{
    Error, Kind, Result,
    store::{Take, Taken},
};

pub(super) async fn take(store: &RedisStore, portal: &str, take: Take) -> Result<Taken> {
    let number = |number: f64| format!("{number:.6}");
    let call = Call::new(&TAKE_PERMITS)
        .bytes(portal)
        .number(take.want)
        .bytes(number(take.room))
        .bytes(number(take.per_second))
        .bytes(number(take.at_least));
    let [granted, level] = rows::exactly(store.ask(call).await?)?;
    let level = rows::text(level)?.parse().map_err(|_| {
        Error::new(Kind::Store, "the store holds damaged data").with("field", "bucket")
    })?;
    Ok(Taken { granted: u32::try_from(rows::number(granted)?).unwrap_or(0), level })
}
