//! The `.xml` transport: the same tree as the JSON, under `response`.

use serde_json::Value;

use crate::http::Answer;

/// Turns a JSON answer into an XML one; what is no JSON stays as it is.
pub(crate) fn transport(answer: Answer) -> Answer {
    let Ok(tree) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    let mut out = String::with_capacity(answer.body.len() * 2);
    out.push_str("<response>");
    write(&mut out, &tree);
    out.push_str("</response>");
    Answer { content_type: "text/xml; charset=utf-8", body: out.into(), ..answer }
}

/// PHP's view: true is 1, false and null are nothing, numbered entries are called `item`.
fn write(out: &mut String, tree: &Value) {
    match tree {
        Value::Null | Value::Bool(false) => {}
        Value::Bool(true) => out.push('1'),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => escape(out, text),
        Value::Array(items) => items.iter().for_each(|item| element(out, "item", item)),
        Value::Object(map) => map.iter().for_each(|(name, item)| {
            let numbered = name.bytes().all(|byte| byte.is_ascii_digit());
            element(out, if numbered { "item" } else { name }, item);
        }),
    }
}

fn element(out: &mut String, name: &str, content: &Value) {
    // Keys of batches are the caller's: the document must stay well-formed.
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let mut name: String =
        name.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect();
    if name.starts_with(|first: char| !first.is_alphabetic() && first != '_') {
        name.insert(0, '_');
    }
    out.push('<');
    out.push_str(&name);
    out.push('>');
    write(out, content);
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#039;"),
            // XML 1.0 has no way to write these.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => {}
            other => out.push(other),
        }
    }
}
