//! `multipart/form-data` (RFC 7578) as PHP reads it: fields with brackets in their names, and files apart.

use hyper::body::Bytes;
use serde_json::{Map, Value};

use super::bracket::Variables;

/// Parts after these are ignored.
const PARTS: usize = 10_000;
/// Longest head of a part.
const HEAD: usize = 16 << 10;

/// A file of a form.
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// The boundary that a content type names.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let fits = name.trim().eq_ignore_ascii_case("boundary") && (1..=200).contains(&value.len());
        fits.then(|| value.to_owned())
    })
}

/// Fields and files. What is cut off in the middle is left out.
pub(super) fn parse(body: &Bytes, boundary: &str) -> (Map<String, Value>, Vec<Upload>) {
    let mut fields = Variables::default();
    let mut files = Vec::new();
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let mut at = match find(body, opening.as_bytes()) {
        Some(start) => start + opening.len(),
        None => return (Map::new(), files),
    };
    for _ in 0..PARTS {
        let rest = &body[at..];
        // `--` closes the form; a part follows a line break.
        if !rest.starts_with(b"\r\n") {
            break;
        }
        let Some(length) = find(&rest[2..], delimiter.as_bytes()) else { break };
        let part = at + 2..at + 2 + length;
        at = part.end + delimiter.len();
        let Some(head) = find(&body[part.clone()], b"\r\n\r\n").filter(|&head| head <= HEAD) else {
            continue;
        };
        let content = part.start + head + 4..part.end;
        let head = String::from_utf8_lossy(&body[part.start..part.start + head]);
        let Some(name) = parameter(&head, "name") else { continue };
        match parameter(&head, "filename") {
            Some(file) => {
                // Browsers on Windows once sent whole paths.
                let file = file.rsplit(['/', '\\']).next().unwrap_or("").to_owned();
                files.push(Upload { name: file, bytes: body.slice(content) });
            }
            None => fields.put(&name, String::from_utf8_lossy(&body[content]).into_owned()),
        }
    }
    (fields.into_map(), files)
}

/// A parameter of the `Content-Disposition` line.
fn parameter(head: &str, wanted: &str) -> Option<String> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let mut rest = line.split_once(';')?.1;
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (text, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// A quoted text without its quotes, and what follows.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, &quoted[at + 1..])),
            '\\' => text.push(letters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(step) = haystack[from..].iter().position(|&byte| byte == first) {
        let at = from + step;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use serde_json::json;

    use super::{boundary, parse};

    #[test]
    fn fields_have_brackets_and_files_are_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"fields[PHONE][0][VALUE]\"\r\n\r\n+7 900\r\n\
                    --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\\\"b.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nline\r\nanother\r\n--b--\r\n";
        let (fields, files) = parse(&Bytes::from(body), "b");
        assert_eq!(json!(fields), json!({"fields": {"PHONE": [{"VALUE": "+7 900"}]}}));
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, "a\"b.txt");
    }

    #[test]
    fn boundaries_are_found_quoted_or_not() {
        assert_eq!(boundary("multipart/form-data; boundary=x1").as_deref(), Some("x1"));
        assert_eq!(
            boundary("multipart/form-data; charset=utf-8; Boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        let body = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=c\r\n\r\n2";
        let (fields, _) = parse(&Bytes::from(body), "b");
        assert_eq!(json!(fields), json!({"a": "1"}));
    }
}
