//! The command line as an operator has it: what is printed where, and the exit code.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn crosspoint(arguments: &[&str], input: &str) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read its input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A file of this test's own.
fn file(name: &str, text: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("command");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const SECRET: &str = "0123456789-opensesame-0123456789";

#[test]
fn check_tells_all_mistakes_at_once_and_ends_with_64() {
    let text = "[sip]\nt1 = \"soon\"\n\n[[trunk]]\nname = \"a\"\nuri = \"pbx\"\nport = 5060\n";
    let path = file("three_mistakes.toml", text);
    for arguments in [vec!["check", &path], vec!["run", "--config", &path]] {
        let done = crosspoint(&arguments, "");
        assert_eq!((done.code, done.out.as_str()), (Some(64), ""));
        for start in [
            "line 2: sip.t1: ",
            "line 6: trunk[0].uri: ",
            "line 7: trunk[0].port: ",
        ] {
            assert!(
                done.err.lines().any(|line| line.starts_with(start)),
                "{}",
                done.err
            );
        }
    }
}

#[test]
fn check_prints_what_is_used_without_secrets_and_can_read_it_again() {
    let text = format!("[auth.jwt]\nhs256_secret = \"{SECRET}\"\n");
    let done = crosspoint(&["check", &file("secret.toml", &text)], "");
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("udp_max_bytes = 1300"), "{}", done.out);
    assert!(!(done.out.clone() + &done.err).contains("opensesame"));
    assert!(done.err.contains("warning: "), "{}", done.err);

    let printed = done.out.replace("\"…\"", &format!("\"{SECRET}\""));
    let again = crosspoint(&["check", &file("again.toml", &printed)], "");
    let settings = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(settings(&again.out), settings(&done.out));
}

#[test]
fn file_that_is_not_there_ends_with_1_and_its_name() {
    let done = crosspoint(&["check", "no/such/file.toml"], "");
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("no/such/file.toml"), "{}", done.err);
}

#[test]
fn token_is_made_with_the_secret_alone() {
    let path = file(
        "token.toml",
        &format!("[auth.jwt]\nhs256_secret = \"{SECRET}\"\n"),
    );
    let arguments = [
        "token", "--config", &path, "--user", "alice", "--verb", "call.*",
    ];
    let done = crosspoint(&arguments, "");
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(done.out.trim().split('.').count(), 3, "{}", done.out);

    let path = file("no_secret.toml", "");
    let done = crosspoint(&["token", "--config", &path, "--user", "alice"], "");
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("auth.jwt.hs256_secret"), "{}", done.err);
}

#[test]
fn help_teaches_by_example() {
    let done = crosspoint(&["--help"], "");
    assert_eq!(done.code, Some(0));
    for word in [
        "run",
        "check",
        "demo",
        "token",
        "sdp",
        "convert",
        "ladder",
        "config/examples/",
    ] {
        assert!(done.out.contains(word), "{word}");
    }
    for command in ["run", "check", "demo", "token", "convert", "ladder"] {
        let done = crosspoint(&[command, "--help"], "");
        assert_eq!(done.code, Some(0), "{command}");
        assert!(
            done.out.contains("Usage: crosspoint "),
            "{command}: {}",
            done.out
        );
    }
}

#[test]
fn description_is_explained_and_what_is_none_is_refused() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sdp/chrome-audio-offer-gathered.sdp"
    );
    let done = crosspoint(&["sdp", "explain"], &std::fs::read_to_string(path).unwrap());
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("candidate"), "{}", done.out);
    let done = crosspoint(&["sdp", "explain"], "hello\n");
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("not a description"), "{}", done.err);
}

#[test]
fn description_is_made_jingle_and_a_description_again() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sdp/chrome-audio-offer-gathered.sdp"
    );
    let offer = std::fs::read_to_string(path).unwrap();
    let arguments = ["convert", "--to", "jingle", "--role", "initiator"];
    let jingle = crosspoint(&arguments, &offer);
    assert_eq!(jingle.code, Some(0), "{}", jingle.err);
    assert!(
        jingle.out.starts_with("<jingle xmlns='urn:xmpp:jingle:1'"),
        "{}",
        jingle.out
    );
    assert!(jingle.out.contains("senders='both'"));
    assert!(
        jingle.err.lines().all(|line| line.starts_with("lost: ")),
        "{}",
        jingle.err
    );
    let back = crosspoint(
        &["convert", "--to", "sdp", "--role", "initiator"],
        &jingle.out,
    );
    assert_eq!(back.code, Some(0), "{}", back.err);
    assert!(back.out.starts_with("v=0\r\n"), "{}", back.out);
    let line = offer
        .lines()
        .find(|line| line.starts_with("a=ice-pwd:"))
        .unwrap();
    assert!(back.out.contains(line));
    // The same words of the responder are an answer, and the other end's senders.
    let held = offer.replace("a=sendrecv", "a=sendonly");
    let answer = crosspoint(&["convert", "--to", "jingle", "--role", "responder"], &held);
    assert!(answer.out.contains("action='session-accept'"));
    assert!(answer.out.contains("senders='responder'"));
    let back = crosspoint(
        &["convert", "--to", "sdp", "--role", "responder"],
        &answer.out,
    );
    assert!(
        back.out.contains("a=sendonly\r\n"),
        "{} {}",
        back.out,
        back.err
    );
}

#[test]
fn what_can_be_no_conversion_is_refused_with_the_reason() {
    for (to, input, why) in [
        ("jingle", "hello\n", "not a description"),
        ("sdp", "hello\n", "not Jingle: expected well-formed XML"),
        (
            "sdp",
            "<iq xmlns='jabber:client'/>",
            "not Jingle: no <jingle/>",
        ),
        (
            "sdp",
            "<jingle xmlns='urn:xmpp:jingle:1' action='x' sid='s'/>",
            "no content describes",
        ),
    ] {
        let done = crosspoint(&["convert", "--to", to, "--role", "initiator"], input);
        assert_eq!((done.code, done.out.as_str()), (Some(1), ""));
        assert!(done.err.contains(why), "{}", done.err);
    }
}
