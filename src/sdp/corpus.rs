//! The captured descriptions and made-up ones, for the tests of this folder.

use std::path::Path;

use super::{Limits, SessionDescription};

/// Reads a made-up description, LF line ends.
pub(super) fn sdp(text: &str) -> SessionDescription {
    SessionDescription::parse(text, &Limits::default()).unwrap()
}

/// A one-section description with these lines behind its `c=` line.
pub(super) fn audio(lines: &str) -> SessionDescription {
    sdp(&format!(
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.0.2.7\n{lines}"
    ))
}

/// All captures that have a media section: name and text.
pub(super) fn captures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sdp");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sdp"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .filter(|(_, text)| text.contains("\nm="))
        .collect();
    all.sort();
    assert!(all.len() > 50, "the captures are there");
    all
}

/// One capture, read.
pub(super) fn capture(name: &str) -> SessionDescription {
    let found = captures().into_iter().find(|(n, _)| n == name);
    SessionDescription::parse(&found.unwrap().1, &Limits::default()).unwrap()
}
