//! Where a list stands: what to keep in order to go on after a crash.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// How far rows were handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// At the beginning.
    Beginning,
    /// Up to this id.
    Id(u64),
    /// So many rows.
    Start(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// Which list it belongs to.
    list: String,
    place: Place,
    /// How many rows there were, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// Short, and tells nothing of the parameters.
pub(super) fn name_of(method: &str, params: &Map<String, Value>) -> String {
    let mut hash = Sha256::new();
    hash.update(method.to_ascii_lowercase());
    hash.update(serde_json::to_vec(params).unwrap_or_default());
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn write(list: &str, place: Place, total: Option<u64>) -> String {
    let cursor = Cursor { list: list.to_owned(), place, total };
    serde_json::to_string(&cursor).unwrap_or_default()
}

/// The place in a cursor of this very list, and the total that it knew.
pub(super) fn read(text: &str, list: &str) -> Result<(Place, Option<u64>)> {
    let refuse = |why: &'static str| {
        Error::invalid_input("after", why).advise("Give the cursor as the list gave it.")
    };
    let cursor: Cursor =
        serde_json::from_str(text).map_err(|_| refuse("this is not the cursor of a list"))?;
    if cursor.list != list {
        return Err(refuse("the cursor is of another method, or of other parameters"));
    }
    Ok((cursor.place, cursor.total))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_belongs_to_one_list() {
        let params = |value: Value| value.as_object().cloned().unwrap();
        let list = name_of("crm.lead.list", &params(json!({"filter": {"OPENED": "Y"}})));
        for place in [Place::Beginning, Place::Id(77), Place::Start(150)] {
            let text = write(&list, place, Some(654));
            assert_eq!(read(&text, &list).unwrap(), (place, Some(654)), "{text}");
        }
        let other = name_of("crm.lead.list", &params(json!({"filter": {"OPENED": "N"}})));
        for (text, list) in [
            (write(&list, Place::Id(1), None), &other),
            (String::new(), &list),
            ("{}".into(), &list),
        ] {
            assert!(read(&text, list).is_err(), "{text}");
        }
    }
}
