//! JSON as the portal's PHP writes it: `/` and `<>&'"` escaped, other Unicode raw, empty maps as `[]`.
//! Answers are written straight into a buffer; no tree is built for rows.

use std::io::Write as _;

use serde_json::Value;

/// Appends a quoted string.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let bytes = value.as_bytes();
    let mut plain = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'/' => b"\\/",
            b'\\' => b"\\\\",
            b'"' => b"\\u0022",
            b'\'' => b"\\u0027",
            b'<' => b"\\u003C",
            b'>' => b"\\u003E",
            b'&' => b"\\u0026",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..=0x1f => &control(byte),
            // U+2028 and U+2029: PHP escapes them even when it leaves other Unicode alone.
            0xe2 if bytes[index..].starts_with(&[0xe2, 0x80, 0xa8]) => b"\\u2028",
            0xe2 if bytes[index..].starts_with(&[0xe2, 0x80, 0xa9]) => b"\\u2029",
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..index]);
        out.extend_from_slice(escape);
        plain = index + if byte == 0xe2 { 3 } else { 1 };
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn control(byte: u8) -> [u8; 6] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// Appends a number or anything else that needs no quotes.
pub(crate) fn raw(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends `"key":`, with a comma before it unless the buffer ends with an opening bracket.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    separate(out);
    text(out, name);
    out.push(b':');
}

/// Appends a comma unless the buffer ends with an opening bracket.
pub(crate) fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[') | None) {
        out.push(b',');
    }
}

/// Appends a whole tree.
pub(crate) fn value(out: &mut Vec<u8>, tree: &Value) {
    match tree {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => raw(out, flag),
        Value::Number(number) => raw(out, number),
        Value::String(string) => text(out, string),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(out, item);
            }
            out.push(b']');
        }
        Value::Object(map) if map.is_empty() => out.extend_from_slice(b"[]"),
        Value::Object(map) => {
            out.push(b'{');
            for (index, (name, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                text(out, name);
                out.push(b':');
                value(out, item);
            }
            out.push(b'}');
        }
    }
}

/// A tree as bytes.
pub(crate) fn bytes(tree: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    value(&mut out, tree);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{bytes, text};

    #[test]
    fn empty_maps_are_lists() {
        assert_eq!(
            bytes(&json!({"a": {}, "b": [], "c": {"d": 1}})),
            br#"{"a":[],"b":[],"c":{"d":1}}"#
        );
    }

    proptest! {
        #[test]
        fn any_text_can_be_read_back(value in any::<String>()) {
            let mut out = Vec::new();
            text(&mut out, &value);
            let back: Value = serde_json::from_slice(&out).unwrap_or_default();
            prop_assert_eq!(back, Value::String(value));
            prop_assert!(!out[1..out.len() - 1].iter().any(|byte| b"<>&'".contains(byte)));
        }
    }
}
