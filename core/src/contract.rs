//! The answers that the vendor's documentation prints, read by the code that reads a portal's.
//!
//! They lie beside the project; where they do not, the test says that it read nothing.

use serde_json::Value;

use crate::{Kind, oauth, rest};

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn printed_answers() -> Option<Vec<Value>> {
    // Asked for when it runs: a compiled test outlives the checkout that it was compiled in.
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let Ok(text) = std::fs::read_to_string(folder + "/../../shared/data/portal-answers.jsonl")
    else {
        println!("skipped: the vendor's printed answers are not beside the project");
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn every_printed_answer_is_understood() {
    let Some(answers) = printed_answers() else { return };
    let mut read = 0;
    for answer in &answers {
        let body = answer["body"].to_string();
        let printed = answer["http_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let source = &answer["source"];
        match answer["kind"].as_str().unwrap() {
            "success" | "success-hiding-error" => {
                let result = rest::read(printed.unwrap_or(200), body.as_bytes());
                assert_eq!(result.unwrap().result, answer["body"]["result"], "{source}");
            }
            "error" | "error-empty" | "error-num" | "error-v3" => {
                let error =
                    rest::read(printed.unwrap_or(400), body.as_bytes()).expect_err("an error");
                assert!(error.code().is_some(), "{source}: the code is lost");
                assert!(
                    !matches!(error.kind(), Kind::UnexpectedAnswer | Kind::Internal),
                    "{source}: {error:?}"
                );
            }
            "token" => {
                let token = oauth::Answer::read(printed.unwrap_or(200), body.as_bytes());
                assert!(matches!(token, oauth::Answer::Token(_)), "{source}");
            }
            // Deliveries are read by a part that does not exist yet.
            "event" => continue,
            other => panic!("{source}: a kind of answer that nobody reads: {other}"),
        }
        read += 1;
    }
    assert!(read > 1000, "only {read} answers were read");
}
