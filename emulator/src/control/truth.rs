//! What happened: counters, tokens, logs.

use serde_json::{Value, json};

use super::body::Refusal;
use super::route::Ask;
use super::{Outcome, portals};
use crate::params::{Params, parse_query};

pub(super) fn counters(ask: &Ask<'_>) -> Outcome {
    let mut counters = ask.network.common.counters.to_json();
    counters["limits"] = portals::limits(ask.network);
    Ok(counters)
}

pub(super) fn tokens(ask: &Ask<'_>) -> Outcome {
    Ok(ask.world.tokens.read().to_json(ask.world.clock.now()))
}

pub(super) fn log(ask: &Ask<'_>) -> Outcome {
    Ok(ask.world.log.to_json(after(ask)?, &ask.world.redactor))
}

pub(super) fn deliveries(ask: &Ask<'_>) -> Outcome {
    Ok(ask.world.events.outbox.to_json(after(ask)?, &ask.world.redactor))
}

fn after(ask: &Ask<'_>) -> Result<u64, Refusal> {
    let params = Params::from_map(parse_query(ask.request.query.as_bytes()));
    match params.text("after") {
        None => Ok(0),
        Some(text) => {
            text.parse().map_err(|_| Refusal::field("after", "must be the number of an entry"))
        }
    }
}

fn done() -> Outcome {
    Ok(Value::Object(serde_json::Map::new()))
}

pub(super) fn clear_log(ask: &Ask<'_>) -> Outcome {
    ask.world.log.clear();
    done()
}

pub(super) fn clear_deliveries(ask: &Ask<'_>) -> Outcome {
    ask.world.events.outbox.clear();
    done()
}

pub(super) fn clear_faults(ask: &Ask<'_>) -> Outcome {
    ask.world.faults.clear();
    done()
}

pub(super) fn clear_limits(ask: &Ask<'_>) -> Outcome {
    ask.world.forget_limits();
    Ok(json!({}))
}
