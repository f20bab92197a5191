//! SIP from outside: the messages of RFC 4475 and others like them, another parser's opinion, the
//! timers' figures on virtual time, and text that nobody would send.

pub(crate) mod mutation;
mod oracle;
mod torture;
#[expect(clippy::disallowed_methods, reason = "a test's clock starts somewhere")]
mod transactions;

use std::path::{Path, PathBuf};

/// A folder of messages, with what its `index.tsv` expects of each.
fn corpus(folder: &str, ending: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder);
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let case = |line: &str| {
        let mut columns = line.split('\t').map(str::to_owned);
        let (name, outcome) = (columns.next().unwrap(), columns.next().unwrap());
        let path: PathBuf = folder.join(format!("{name}.{ending}"));
        Case {
            bytes: std::fs::read(path).unwrap(),
            name,
            outcome,
            expected: columns.collect(),
        }
    };
    let lines = index.lines().filter(|line| !line.starts_with('#'));
    let cases: Vec<_> = lines.map(case).collect();
    let files = std::fs::read_dir(&folder).unwrap();
    let messages = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension().is_some_and(|found| found == ending)
    });
    assert_eq!(
        messages.count(),
        cases.len(),
        "a message is not in the index"
    );
    cases
}

/// One message of a corpus.
struct Case {
    /// Its file without the ending.
    name: String,
    /// What becomes of it.
    outcome: String,
    /// What is read out of it, as `what=value`.
    expected: Vec<String>,
    /// The message.
    bytes: Vec<u8>,
}
