//! Configuration files.

use crosspoint::config::Config;

use super::{Target, fuzz, shape};

const WORDS: &[&str] = &[
    "[[trunk]]\n",
    "[[route]]\n",
    "[[account]]\n",
    "[[auth.user]]\n",
    "[sip]\n",
    "[call]\n",
    "[auth]\n",
    "[server]\n",
    "name = \"x\"\n",
    "uri = \"sip:192.0.2.1\"\n",
    "pattern = \"*\"\n",
    "to = \"trunk:x\"\n",
    "listen = [\"udp:127.0.0.1:5060\"]\n",
    "password = \"not-for-the-log\"\n",
    "= 1s\n",
    "= \"1s\"\n",
    "= -1\n",
    "= 1e400\n",
    "= [[[[",
    "= { a = ",
    "'''",
    "\"\"\"",
    "#",
    "\\u0000",
    "\u{feff}",
    "0x",
    "1979-05-27",
    "inf",
    "nan",
];

pub(super) fn files_of_operators() -> Vec<Vec<u8>> {
    let mut all = super::files("config");
    all.extend(super::files("config/examples"));
    all
}

pub(super) fn files() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        match Config::load(&text) {
            Ok(config) => {
                let _ = config.warnings();
                let effective = config.effective();
                assert!(!effective.contains("not-for-the-log"), "a secret is shown");
                let shown = format!("{config:?}");
                assert!(!shown.contains("not-for-the-log"), "a secret is shown");
                "read".to_owned()
            }
            Err(mistakes) => {
                let said = mistakes.to_string();
                assert!(!said.is_empty());
                shape(said.lines().next().unwrap_or_default())
            }
        }
    };
    let (name, inputs, words) = ("config", files_of_operators(), WORDS);
    Target {
        name,
        inputs,
        words,
        take,
    }
}

#[test]
fn files_hold() {
    fuzz(files());
}
