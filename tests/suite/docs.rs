//! What the documents and samples say is true of the code.

use std::fs;
use std::path::Path;

use crosspoint::config::{Account, Config, Jwt, Trunk};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn reference_configuration_is_the_default() {
    let text = read("config/crosspoint.toml");
    assert_eq!(Config::load(&text), Ok(Config::default()));
}

/// The reference with every key that is commented out as `#key` put in.
fn reference_in_full() -> String {
    let bare = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => rest.to_owned(),
        Some(_) | None => line.to_owned(),
    };
    let text = read("config/crosspoint.toml");
    text.lines().map(|line| bare(line) + "\n").collect()
}

#[test]
fn keys_of_the_reference_that_are_commented_out_can_be_put_in() {
    let text = reference_in_full();
    let config = Config::load(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(config.server.metrics_listen.is_some() && config.auth.user.len() == 1);
    // What is given for a key that has a default is that default.
    let (trunk, account) = (&config.trunk[0], &config.account[0]);
    assert_eq!(trunk.health, Trunk::default().health);
    assert_eq!(trunk.hide_addresses, Trunk::default().hide_addresses);
    assert_eq!(trunk.udp_max_bytes, Some(config.sip.udp_max_bytes));
    assert_eq!(account.expires, Account::default().expires);
    let jwt = config.auth.jwt.as_ref().unwrap();
    assert_eq!(jwt.leeway, Jwt::default().leeway);
    let http = "[auth.http]\nurl = \"https://login.example/introspect\"\n";
    assert_eq!(config.auth.http, Config::load(http).unwrap().auth.http);
}

#[test]
fn reference_configuration_names_every_key() {
    let text = reference_in_full();
    let names = |key: &str| {
        let is = |line: &str| {
            let line = line.trim_start_matches('[');
            let named = line.strip_prefix(key).or_else(|| {
                let (_, last) = line.split_once('.')?;
                last.strip_prefix(key)
            });
            named.is_some_and(|rest| rest.starts_with([' ', ']']))
        };
        text.lines().any(is)
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let (mut count, mut missing) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() || ["document.rs", "mistake.rs", "warning.rs"].contains(&name) {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let field = line
                .strip_prefix("    pub ")
                .and_then(|line| line.split_once(": "));
            let Some((field, _)) = field.filter(|(name, _)| !name.contains([' ', '('])) else {
                continue;
            };
            count += 1;
            // Not as it is written in files: the pattern of a route is its `match`, and the parts
            // of a listener are one text.
            let key = if field == "pattern" { "match" } else { field };
            if !names(key) && !["transport", "address"].contains(&key) {
                missing.push(format!("{name}: {key}"));
            }
        }
    }
    assert!(count > 100, "only {count} keys were found");
    assert!(
        missing.is_empty(),
        "config/crosspoint.toml does not name {missing:?}"
    );
}

#[test]
fn every_example_has_no_mistakes_and_opens_a_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let shown = path.display();
        let config = Config::load(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|mistakes| panic!("{shown}:\n{mistakes}"));
        assert_eq!(config.warnings(), Vec::<String>::new(), "{shown}");
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn architecture_is_read_in_ten_minutes() {
    assert!(read("ARCHITECTURE.md").split_whitespace().count() <= 2000);
}
