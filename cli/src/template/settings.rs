//! What a template is filled with, and the bounds of it: the same for what is filled in and for what is found
//! in an edited file.

use std::borrow::Cow;

use evergrant::{Error, Portal, Result};
use reqwest::Url;

use super::{Finding, Tool};

/// The vendor's servers that answer codes and refresh tokens.
const AUTHORIZATION_SERVERS: [&str; 3] =
    ["https://oauth.bitrix.info", "https://oauth.bitrix24.tech", "https://oauth.bitrix24.info"];
/// More renewals an hour than these are what the vendor blocks applications for.
const RENEWALS_PER_HOUR: f64 = 3.0;
/// A token lives 60 minutes; readers want some of it left.
const LONGEST_INTERVAL: f64 = 50.0;

/// What a template is filled with. No secret is among it: a file is not a place for one.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) portal: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) authorization_server: Option<String>,
    /// Where messages to the author go.
    pub(crate) alert_url: Option<String>,
    /// Minutes between renewals by the clock; zero for none.
    pub(crate) interval: Option<u32>,
}

impl Settings {
    /// What was given, by the names that the templates have for it.
    pub(super) fn named(&self, interval: &'static str) -> Vec<(&'static str, String)> {
        let given = [
            ("portal", self.portal.clone()),
            ("client_id", self.client_id.clone()),
            ("scope", self.scope.clone()),
            ("authorization_server", self.authorization_server.clone()),
            ("alert_url", self.alert_url.clone()),
            (interval, self.interval.map(|minutes| minutes.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// # Errors
    /// Names the field.
    pub(super) fn check(&mut self, tool: Tool) -> Result<()> {
        if let Some(typed) = &mut self.portal {
            *typed = portal(typed)?;
        }
        self.client_id.as_deref().map_or(Ok(()), client_id)?;
        self.scope.as_deref().map_or(Ok(()), scope)?;
        self.alert_url.as_deref().map_or(Ok(()), |address| alert_url(tool, address))?;
        if let Some(server) = &mut self.authorization_server {
            authorization_server(server)?;
            server.truncate(server.trim_end_matches('/').len());
        }
        self.interval.map_or(Ok(()), |minutes| interval(f64::from(minutes)))
    }
}

/// A host, or the bare name of a portal, which the templates complete themselves.
fn portal(typed: &str) -> Result<String> {
    let name = typed.trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 63
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.eq_ignore_ascii_case("localhost");
    if is_name {
        return Ok(name.to_ascii_lowercase());
    }
    Ok(Portal::parse(name)?.host())
}

fn client_id(id: &str) -> Result<()> {
    if is_made_of(id, "._-") {
        return Ok(());
    }
    Err(Error::invalid_input("client_id", "this is not a client_id")
        .advise("Copy it from the application's card, such as local.5c8bb1b0891cf2.87252039."))
}

fn scope(names: &str) -> Result<()> {
    if is_made_of(names, "_,. ") && names.contains(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Error::invalid_input("scope", "these are not names of rights")
        .advise("Write them with commas, such as crm,user,tasks."))
}

fn is_made_of(text: &str, more: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

fn authorization_server(server: &str) -> Result<()> {
    if AUTHORIZATION_SERVERS.contains(&server.trim_end_matches('/')) {
        return Ok(());
    }
    let why = "this is not one of the vendor's authorization servers";
    Err(Error::invalid_input("authorization_server", why).advise(
        "https://oauth.bitrix.info, https://oauth.bitrix24.tech or https://oauth.bitrix24.info.",
    ))
}

/// The address itself is not shown: that of a chat holds its key.
fn alert_url(tool: Tool, address: &str) -> Result<()> {
    let url = Url::parse(address).ok().filter(|_| !address.contains(char::is_whitespace));
    let is_one = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.has_host()
    });
    if is_one && tool == Tool::Corezoid && !address.starts_with("https://") {
        return Err(Error::invalid_input("alert_url", "Corezoid sends messages to https only")
            .advise("Write https:// in small letters."));
    }
    if is_one {
        return Ok(());
    }
    Err(Error::invalid_input("alert_url", "this is not an address that takes messages")
        .advise("Write it whole, such as https://chat.example/hook."))
}

fn interval(minutes: f64) -> Result<()> {
    if minutes == 0.0 {
        return Ok(());
    }
    let (why, advice): (Cow<'_, str>, _) = if !minutes.is_finite() || minutes < 0.0 {
        ("this is not a number of minutes".into(), "20 to 50 minutes, or 0 for no timer.")
    } else if minutes * RENEWALS_PER_HOUR < 60.0 {
        (
            format!(
                "renews every {minutes} minutes: Bitrix24 blocks applications that renew so often"
            )
            .into(),
            "20 minutes or more, or 0 for no timer.",
        )
    } else if minutes > LONGEST_INTERVAL {
        (
            "a token lives an hour: readers would meet dead ones".into(),
            "20 to 50 minutes, or 0 for no timer.",
        )
    } else {
        return Ok(());
    };
    Err(Error::invalid_input("interval", why.into_owned()).advise(advice))
}

/// The minutes of a renewal by the clock, as they stand in a file; zero where they are none.
pub(super) fn minutes(value: &str) -> f64 {
    value.trim().parse().ok().filter(|minutes| interval(*minutes).is_ok()).unwrap_or_default()
}

/// What is wrong with a setting of an edited file.
pub(super) fn check(tool: Tool, node: &str, name: &str, value: &str) -> Option<Finding> {
    let is_reference = ["{{", "${", "$("].iter().any(|start| value.contains(start));
    let number = |low: f64, high: f64| match value.trim().parse::<f64>() {
        Ok(number) if number >= low && number <= high => Ok(()),
        _ => Err(Error::invalid_input(
            "number",
            format!("this is not a number from {low} to {high}"),
        )),
    };
    let is_timer = matches!(name, "renew_every_minutes" | "fixed_renewal_minutes");
    let checked = match name {
        _ if is_reference => return None,
        _ if is_timer => match value.trim().parse() {
            Ok(minutes) => interval(minutes),
            Err(_) => interval(f64::NAN),
        },
        "keep_alive_days" => number(1.0, 25.0),
        "renewals_per_hour" => number(1.0, 30.0),
        "retry_seconds" => number(1.0, 600.0),
        _ if value.trim().is_empty() => Ok(()),
        "portal" => host(tool, value),
        "client_id" => client_id(value),
        "scope" => scope(value),
        "authorization_server" => authorization_server(value),
        "alert_url" => alert_url(tool, value),
        _ => Ok(()),
    };
    match checked {
        Err(error) => {
            let advice = error.advice().map(|advice| format!(". {advice}")).unwrap_or_default();
            Some(Finding::error(node, format!("{name}: {}{advice}", error.message())))
        }
        Ok(()) if is_timer && minutes(value) > 0.0 => Some(Finding::warning(
            node,
            format!(
                "renews every {} minutes, asked or not: Bitrix24 asks not to, and may block applications that do",
                value.trim()
            ),
        )),
        Ok(()) => None,
    }
}

/// A portal as a template takes it: that for Corezoid puts a scheme before whatever stands there.
fn host(tool: Tool, value: &str) -> Result<()> {
    portal(value)?;
    if tool == Tool::Corezoid && value.contains("://") {
        return Err(Error::invalid_input("portal", "the portal stands here with its scheme")
            .advise("Write the host alone, such as example.bitrix24.com."));
    }
    Ok(())
}
