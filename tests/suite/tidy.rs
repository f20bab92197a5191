//! Rules about the code that a reviewer would otherwise have to remember.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom: down only. A folder or file under `src/`, and what it may import of ours.
const IMPORTS: &[(&str, &[&str])] = &[
    ("id", &[]),
    ("address", &[]),
    ("ask", &[]),
    ("config", &[]),
    ("sdp", &[]),
    ("trace", &["id"]),
    ("contain", &[]),
    ("call", &["address", "config", "contain", "id", "sdp"]),
    ("route", &["address", "call", "config"]),
    ("text", &["address", "call", "id"]),
    (
        "ws",
        &[
            "address", "ask", "call", "config", "contain", "id", "sdp", "text", "trace",
        ],
    ),
    (
        "sip",
        &[
            "address", "ask", "call", "config", "contain", "id", "sdp", "text", "trace",
        ],
    ),
    ("xmpp", &["address", "ask", "config", "id"]),
    (
        "jingle",
        &[
            "address", "call", "config", "contain", "id", "sdp", "trace", "xmpp",
        ],
    ),
    ("metrics", &["call", "config"]),
    (
        "gateway",
        &[
            "address", "ask", "call", "config", "contain", "id", "jingle", "metrics", "route",
            "sdp", "sip", "text", "trace", "ws", "xmpp",
        ],
    ),
    (
        "net",
        &["ask", "config", "gateway", "metrics", "sip", "ws", "xmpp"],
    ),
    ("demo", &["config", "id", "net", "sdp", "sip"]),
    (
        "cli",
        &[
            "address", "call", "config", "demo", "gateway", "jingle", "net", "sdp", "trace", "ws",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Words of one protocol that the middle must not know.
const FOREIGN_TO_THE_MIDDLE: &[&str] = &[
    "websocket",
    "json",
    "sip:",
    "jingle",
    "xmpp",
    "async ",
    "instant::now",
    "tokio",
];

/// Lines that a file may have; a third more where the rest is its tests.
const FILE_LINES_MAX: usize = 600;

/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files with this ending below a folder, as paths relative to the repository.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The room a source file belongs to: the first part below `src/`, without an ending.
fn room(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file before its tests; nothing of a file that says it is one of tests.
fn without_tests(text: &str) -> &str {
    let code = text.split("#![cfg(test)]").next().unwrap_or(text);
    code.split("#[cfg(test)]").next().unwrap_or(code)
}

#[test]
fn imports_go_down_only() {
    let allowed: BTreeMap<_, _> = IMPORTS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in files("src", "rs") {
        let room = room(&path);
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!(
                "{}: the room `{room}` is not in the table",
                path.display()
            ));
            continue;
        };
        for part in without_tests(&read(&path)).split("crate::").skip(1) {
            let word: String = part
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if word != room && !may.contains(&word.as_str()) {
                wrong.push(format!("{}: imports `{word}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn middle_knows_no_protocol() {
    let mut wrong = Vec::new();
    for path in files("src/call", "rs") {
        for (number, line) in without_tests(&read(&path)).lines().enumerate() {
            let code = line.to_lowercase();
            for word in FOREIGN_TO_THE_MIDDLE {
                if code.contains(word) && !line.trim_start().starts_with("//") {
                    wrong.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_hold_one_idea() {
    let mut wrong = Vec::new();
    for path in files("src", "rs") {
        let text = read(&path);
        let (code, all) = (without_tests(&text).lines().count(), text.lines().count());
        let excused = LONG_FILES.iter().any(|(long, _)| Path::new(long) == path);
        if !excused && (code > FILE_LINES_MAX || all > FILE_LINES_MAX * 5 / 3) {
            wrong.push(format!(
                "{}: {code} lines, {all} with tests",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_begin_with_what_they_are() {
    let mut wrong = Vec::new();
    for path in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        if !read(&path).starts_with("//!") {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "no module doc: {}", wrong.join(" "));
}

#[test]
fn lines_fit_a_screen() {
    let mut wrong = Vec::new();
    for path in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        for (number, line) in read(&path).lines().enumerate() {
            if line.chars().count() > 100 {
                wrong.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "over 100 columns: {}", wrong.join(" "));
}

#[test]
fn no_import_is_renamed_across_rooms() {
    for path in files("src", "rs") {
        assert!(
            !read(&path).contains("pub use crate::"),
            "{}",
            path.display()
        );
    }
}

/// Licences that an MIT or Apache-2.0 project may link.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates in more than one version in the product, each with what asks for the older one.
const DOUBLED: &[(&str, &str)] = &[
    ("base64", "jsonwebtoken and axum"),
    ("block-buffer", "aws-lc users of digest 0.10, md-5 of 0.11"),
    ("cpufeatures", "rand_chacha and chacha20 of rand"),
    ("crypto-common", "digest 0.10 and 0.11"),
    (
        "digest",
        "axum's sha1 is of 0.10, md-5 and xmpp-parsers of 0.11",
    ),
    ("getrandom", "three generations of rand below others"),
    ("nom", "str0m's certificate parser and webrtc-sdp's"),
    ("pem", "jsonwebtoken and rcgen below str0m"),
    ("rand", "hickory is of 0.10, tungstenite of 0.9"),
    ("rand_chacha", "ours is of 0.10, rand 0.9 brings its own"),
    ("rand_core", "as rand"),
    ("rxml_validation", "rxml's macros, built, not linked"),
    ("sha1", "axum's WebSocket is of 0.10, xmpp-parsers of 0.11"),
    (
        "signature",
        "two generations of elliptic-curve crates below str0m",
    ),
    ("syn", "macros that are built, not linked"),
    ("synstructure", "macros that are built, not linked"),
    ("untrusted", "aws-lc-rs and rustls-webpki"),
];

/// What `cargo metadata` says of the product's own dependencies, tests left out.
fn product_packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes: BTreeMap<_, _> = all["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap().to_owned(), node))
        .collect();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![all["resolve"]["root"].as_str().unwrap().to_owned()];
    while let Some(id) = waiting.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in nodes[&id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds
                .iter()
                .any(|kind| kind["kind"].as_str() != Some("dev"))
            {
                waiting.push(dependency["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    let packages = all["packages"].as_array().unwrap();
    packages
        .iter()
        .filter(|p| seen.contains(p["id"].as_str().unwrap()))
        .cloned()
        .collect()
}

#[test]
fn licences_fit_ours() {
    let mut wrong = Vec::new();
    for package in product_packages() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none given");
        let fits = licence.replace('/', " OR ").split(" AND ").all(|part| {
            part.trim_matches(['(', ')'])
                .split(" OR ")
                .any(|one| LICENCES.contains(&one.trim().trim_matches(['(', ')'])))
        });
        if !fits {
            wrong.push(format!("{name}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_dependency_is_doubled_unnoticed() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in product_packages() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions
            .entry(text("name"))
            .or_default()
            .insert(text("version"));
    }
    let doubled: Vec<_> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .filter(|(name, _)| !DOUBLED.iter().any(|(known, _)| known == name))
        .map(|(name, versions)| format!("{name}: {versions:?}"))
        .collect();
    assert!(doubled.is_empty(), "{}", doubled.join("\n"));
    for (name, reason) in DOUBLED {
        assert!(
            versions[*name].len() > 1,
            "{name} is no longer doubled ({reason})"
        );
    }
}
