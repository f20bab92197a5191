//! The keys that tokens are signed with, as a key set (RFC 7517): from a file that is read again
//! when it changes, or from an address that is asked again and again.
//!
//! Keys that were once read stay in use until others are there: an address that is down for a while
//! turns nobody away.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use url::Url;

use super::inbox::{Arrival, Inbox};
use super::{client, tls};
use crate::config::Jwt;

/// How often the file is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How often the address is asked: keys that were withdrawn are good for no longer.
const ASK_INTERVAL: Duration = Duration::from_secs(300);

/// How soon the address is asked again where it had no answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Looks after the keys that the configuration names, until the process ends.
///
/// # Errors
/// A file that cannot be read, or an address that cannot be asked.
pub fn watch(jwt: Option<&Jwt>, inbox: &Inbox) -> io::Result<Option<String>> {
    let Some(jwt) = jwt else { return Ok(None) };
    if let Some(url) = &jwt.jwks_url {
        let url = Url::parse(url).map_err(io::Error::other)?;
        tokio::spawn(ask(url, tls::client(None)?, inbox.clone()));
    }
    let Some(file) = &jwt.jwks_file else {
        return Ok(None);
    };
    let seen = written_at(file);
    let text = read(file)?;
    tokio::spawn(look(file.clone(), seen, inbox.clone()));
    Ok(Some(text))
}

async fn look(file: PathBuf, mut seen: Option<SystemTime>, inbox: Inbox) {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let now = written_at(&file);
        if now == seen {
            continue;
        }
        match read(&file) {
            Ok(text) => {
                seen = now;
                inbox.put(Arrival::Keys(text)).await;
            }
            Err(error) => tracing::warn!(%error, "changed keys cannot be read: the old ones stay"),
        }
    }
}

async fn ask(url: Url, tls: Arc<ClientConfig>, inbox: Inbox) {
    loop {
        let asking = tokio::time::timeout(ANSWER_DEADLINE, client::ask(&url, None, &tls));
        let pause = match asking.await {
            Ok(Ok((status, body))) if status.is_success() => {
                let text = String::from_utf8_lossy(&body).into_owned();
                inbox.put(Arrival::Keys(text)).await;
                ASK_INTERVAL
            }
            Ok(Ok((status, _))) => {
                tracing::warn!(%status, "auth.jwt.jwks_url has no keys: the old ones stay");
                RETRY_INTERVAL
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "auth.jwt.jwks_url cannot be asked: the old keys stay");
                RETRY_INTERVAL
            }
            Err(_) => {
                tracing::warn!("auth.jwt.jwks_url does not answer: the old keys stay");
                RETRY_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn read(file: &Path) -> io::Result<String> {
    let shown = file.display();
    std::fs::read_to_string(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{shown}: {error}")))
}

fn written_at(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|about| about.modified()).ok()
}
