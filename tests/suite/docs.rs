//! What the documents and samples say is true of the code.

use std::fs;
use std::path::Path;

use crosspoint::config::Config;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn reference_configuration_is_the_default() {
    let text = read("config/crosspoint.toml");
    assert_eq!(Config::load(&text), Ok(Config::default()));
}

#[test]
fn reference_configuration_names_every_key() {
    let text = read("config/crosspoint.toml");
    let effective = Config::default().effective();
    for (key, _) in effective.lines().filter_map(|line| line.split_once(" = ")) {
        assert!(
            text.contains(key),
            "config/crosspoint.toml does not name {key}"
        );
    }
}

#[test]
fn every_example_has_no_mistakes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let loaded = Config::load(&fs::read_to_string(&path).unwrap());
        assert!(loaded.is_ok(), "{}: {loaded:?}", path.display());
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn architecture_is_read_in_ten_minutes() {
    assert!(read("ARCHITECTURE.md").split_whitespace().count() <= 2000);
}
