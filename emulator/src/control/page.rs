//! The page for people: the request log as it grows. Nothing of it comes from elsewhere.

use crate::http::Answer;

/// Only the page's own parts, and only shown by itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn html() -> Answer {
    Answer::html(200, include_str!("page.html"))
        .with("content-security-policy", POLICY)
        .with("referrer-policy", "no-referrer")
        .with("x-content-type-options", "nosniff")
}

pub(super) fn style() -> Answer {
    part("text/css; charset=utf-8", include_str!("page.css"))
}

pub(super) fn script() -> Answer {
    part("text/javascript; charset=utf-8", include_str!("page.js"))
}

fn part(content_type: &'static str, text: &'static str) -> Answer {
    Answer { content_type, ..Answer::html(200, text) }.with("x-content-type-options", "nosniff")
}
