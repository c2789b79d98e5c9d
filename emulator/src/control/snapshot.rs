//! Snapshots: the whole state is kept and brought back. Addresses stay, and what the log and the deliveries hold.

use std::collections::BTreeMap;

use serde_json::json;

use super::Outcome;
use super::body::{Fields, Refusal};
use super::route::Ask;
use crate::network::Network;
use crate::sync::Lock;
use crate::world::{Kept, KeptCommon};

/// Snapshots that are kept; the oldest are forgotten.
const KEPT: usize = 16;

/// The state of all portals at one moment.
struct Snapshot {
    common: KeptCommon,
    /// By `member_id`.
    portals: BTreeMap<String, Kept>,
}

impl Snapshot {
    fn of(network: &Network) -> Self {
        let portals =
            network.portals().iter().map(|world| (world.member_id.clone(), world.keep())).collect();
        Self { common: network.common.keep(), portals }
    }

    /// A portal that was not there yet is as at its start.
    fn restore(&self, network: &Network) {
        self.common.restore(&network.common);
        for world in network.portals() {
            match self.portals.get(&world.member_id) {
                Some(kept) => world.restore(kept),
                None => world.reset(),
            }
        }
    }
}

/// Snapshots by number.
#[derive(Default)]
pub(super) struct Snapshots(Lock<BTreeMap<u64, Snapshot>>);

pub(super) fn take(ask: &Ask<'_>) -> Outcome {
    Fields::of(ask.request)?.finish()?;
    let snapshot = Snapshot::of(ask.network);
    let mut kept = ask.snapshots.0.get();
    let id = kept.last_key_value().map_or(1, |(last, _)| last + 1);
    kept.insert(id, snapshot);
    if kept.len() > KEPT {
        kept.pop_first();
    }
    Ok(json!({"id": id}))
}

pub(super) fn restore(ask: &Ask<'_>) -> Outcome {
    let mut fields = Fields::of(ask.request)?;
    let id = fields.integer("id", 1..=u64::MAX)?;
    fields.finish()?;
    let id = id.ok_or_else(|| Refusal::field("id", "must be given"))?;
    let kept = ask.snapshots.0.get();
    let text = "is no snapshot that is still kept (the last 16 are)";
    kept.get(&id).ok_or_else(|| Refusal::field("id", text))?.restore(ask.network);
    Ok(json!({"id": id}))
}
