//! What a path under `/rest/` asks for.

/// The method, the form of the answer, and who is named in the path.
pub(crate) struct Target<'a> {
    /// Without `.json` or `.xml`.
    pub(crate) method: &'a str,
    /// User and secret.
    pub(crate) webhook: Option<(&'a str, &'a str)>,
    /// Whether it is REST 3.0 (`/rest/api/…`).
    pub(crate) v3: bool,
    pub(crate) xml: bool,
}

impl<'a> Target<'a> {
    /// `METHOD` or `USER/SECRET/METHOD`, with `api/` before it for REST 3.0; slashes too many are forgiven.
    pub(crate) fn of(path: &'a str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(1).peekable();
        let v3 = parts.next_if(|part| *part == "api").is_some();
        let (method, webhook) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(method), None, None, None) => (method, None),
            (Some(user), Some(secret), Some(method), None) => (method, Some((user, secret))),
            _ => ("", None),
        };
        if v3 {
            return Self { method, webhook, v3, xml: false };
        }
        let xml = method.strip_suffix(".xml");
        let method = xml.or_else(|| method.strip_suffix(".json")).unwrap_or(method);
        Self { method, webhook, v3, xml: xml.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn paths_are_taken_apart() {
        for (path, method, webhook, v3, xml) in [
            ("/rest/profile", "profile", None, false, false),
            ("/rest/profile/", "profile", None, false, false),
            ("/rest//profile.json", "profile", None, false, false),
            ("/rest/profile.xml", "profile", None, false, true),
            ("/rest/profile.xml.json", "profile.xml", None, false, false),
            ("/rest/1/abc/crm.lead.list", "crm.lead.list", Some(("1", "abc")), false, false),
            ("/rest/api/tasks.task.get", "tasks.task.get", None, true, false),
            ("/rest/api/1/abc/x.json", "x.json", Some(("1", "abc")), true, false),
            ("/rest/a/b", "", None, false, false),
        ] {
            let target = Target::of(path);
            assert_eq!(target.method, method, "{path}");
            assert_eq!(target.webhook, webhook, "{path}");
            assert_eq!((target.v3, target.xml), (v3, xml), "{path}");
        }
    }
}
