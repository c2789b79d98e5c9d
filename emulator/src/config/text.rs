//! Portals, applications and users as text: JSON objects, as on a command line.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::PortalConfig;
use crate::applications::Application;
use crate::users::UserConfig;

/// The reader's own words could repeat a secret, so only the place is told.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // A list would be read as well, its items as the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err("this is not a JSON object such as {\"name\": \"value\"}".to_owned());
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => {
            format!("a field is unknown or has the wrong type (before column {})", error.column())
        }
        _ => format!("this is not JSON (column {})", error.column()),
    })
}

impl FromStr for PortalConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text)
    }
}

impl FromStr for Application {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text)
    }
}

impl FromStr for UserConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text)
    }
}
