//! `docs/protocol.md` and `docs/protocol.schema.json` are true.
//!
//! An example is a line of a fenced block that begins with `→` (client) or `←` (gateway), with the
//! lines that follow it until the next arrow, an empty line, or the end of the block.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crosspoint::call::cause::Cause;
use crosspoint::ws::code::{Code, close};
use crosspoint::ws::frame::{ClientFrame, Retry, check_server_text, schema};
use serde_json::Value;

/// Whose frame an example is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Client,
    Gateway,
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn document() -> String {
    fs::read_to_string(docs("protocol.md")).unwrap()
}

fn examples(text: &str) -> Vec<(From, String)> {
    let (mut found, mut fenced, mut open) = (Vec::new(), false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            (fenced, open) = (!fenced, false);
            continue;
        }
        let begun = line.strip_prefix("→ ").map(|rest| (From::Client, rest));
        let begun = begun.or_else(|| line.strip_prefix("← ").map(|rest| (From::Gateway, rest)));
        match begun.filter(|_| fenced) {
            Some((from, rest)) => {
                found.push((from, rest.to_owned()));
                open = true;
            }
            None if line.trim().is_empty() => open = false,
            None if open => {
                if let Some((_, frame)) = found.last_mut() {
                    frame.push_str(line.trim_start());
                }
            }
            None => {}
        }
    }
    found
}

/// Whether the frame has all that the example shows; secrets are written as `…`.
fn holds(frame: &Value, example: &Value) -> bool {
    match (frame, example) {
        (Value::Object(frame), Value::Object(example)) => example.iter().all(|(name, value)| {
            // `ack` is beside the frame, and null is as good as absent.
            name == "ack" && frame.get("type") != Some(&Value::from("ack"))
                || match frame.get(name) {
                    Some(Value::String(hidden)) if hidden == "…" => value.is_string(),
                    Some(known) => holds(known, value),
                    None => value.is_null(),
                }
        }),
        (Value::Array(frame), Value::Array(example)) => {
            frame.len() == example.len()
                && frame
                    .iter()
                    .zip(example)
                    .all(|(frame, example)| holds(frame, example))
        }
        _ => frame == example,
    }
}

#[test]
fn every_example_is_a_frame() {
    let examples = examples(&document());
    assert!(examples.len() > 60, "{} examples are found", examples.len());
    for (from, text) in examples {
        match from {
            From::Gateway => assert_eq!(check_server_text(&text), Ok(()), "{text}"),
            From::Client => {
                let parsed =
                    ClientFrame::parse(&text, 16).unwrap_or_else(|e| panic!("{e}: {text}"));
                let frame = serde_json::to_value(&parsed.frame).unwrap();
                let example: Value = serde_json::from_str(&text).unwrap();
                assert!(holds(&frame, &example), "{text}\n{frame}");
            }
        }
    }
}

/// The `type`s of a definition of the schema.
fn types_of(schema: &Value, definition: &str) -> BTreeSet<String> {
    let variants = schema["$defs"][definition]["oneOf"].as_array().unwrap();
    let name = |variant: &Value| {
        variant["properties"]["type"]["const"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    variants.iter().map(name).collect()
}

#[test]
fn every_type_has_an_example() {
    let (schema, examples) = (schema(), examples(&document()));
    let shown = |from: From| -> BTreeSet<String> {
        let of = examples.iter().filter(|(whose, _)| *whose == from);
        of.map(|(_, text)| {
            let frame: Value = serde_json::from_str(text).unwrap();
            frame["type"].as_str().unwrap().to_owned()
        })
        .collect()
    };
    assert_eq!(shown(From::Client), types_of(&schema, "ClientFrame"));
    let mut gateway = types_of(&schema, "ServerFrame");
    gateway.extend(types_of(&schema, "Event"));
    assert_eq!(shown(From::Gateway), gateway);
}

#[test]
fn tables_have_every_code_cause_and_close_code() {
    let text = document();
    for code in Code::ALL {
        let retry = match code.retry() {
            Retry::Never => "never",
            Retry::Now => "now",
            Retry::After => "after",
        };
        let row = format!("| `{}` | {retry} |", code.name());
        assert!(text.contains(&row), "no row {row}");
    }
    for cause in Cause::ALL {
        assert!(
            text.contains(&format!("| `{}` | ", cause.name())),
            "no row for {cause}"
        );
    }
    for code in [
        close::GOING_AWAY,
        close::BAD_HELLO,
        close::NOT_AUTHENTICATED,
        close::TIMEOUT,
        close::SUPERSEDED,
        close::TOO_MUCH,
        close::UNAVAILABLE,
    ] {
        assert!(text.contains(&format!("| {code} | ")), "no row for {code}");
    }
}

#[test]
fn limits_in_the_document_are_the_defaults() {
    let (text, config) = (document(), crosspoint::config::Config::default());
    let (client, call) = (&config.client, &config.call);
    for row in [
        format!("| bytes of a frame | {} |", client.frame_bytes_max),
        format!("| depth of a frame | {} |", client.depth_max),
        format!(
            "| {}, and {} at once |",
            client.frames_per_second, client.frames_burst
        ),
        format!("| calls of a user | {} |", call.calls_per_user),
        format!(
            "| candidates of a call and generation | {} |",
            call.candidates_max
        ),
        format!("| {}, {} |", call.description_bytes_max, call.media_max),
        format!("| sessions of a user | {} |", client.sessions_per_user),
        format!("| bytes of a text message | {} |", config.text.bytes_max),
        format!(
            "| messages of a user whose news is waited for | {} |",
            config.text.waiting_per_sender
        ),
    ] {
        assert!(text.contains(&row), "no row {row}");
    }
}

#[test]
fn schema_in_docs_is_that_of_the_types() {
    let mut generated = serde_json::to_string_pretty(&schema()).unwrap();
    generated.push('\n');
    let path = docs("protocol.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "run UPDATE=1 cargo test --test suite protocol, and look at the diff"
    );
}
