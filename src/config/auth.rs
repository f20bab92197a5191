//! `[auth]`: who may come in. Without any of these, nobody.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// Who may come in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Everybody, without a token. For the demo.
    pub anonymous: bool,
    /// By a signed token.
    pub jwt: Option<Jwt>,
    /// By what an HTTP endpoint says of the token.
    pub http: Option<Http>,
    /// By a token written here.
    pub user: Vec<User>,
    /// Whether clients may bring SIP accounts of their own.
    pub accounts_from_clients: bool,
    /// How long a client may take to say hello.
    #[serde(with = "humantime_serde")]
    pub hello_timeout: Duration,
}

/// Signed tokens (RFC 7519).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// The shared secret of HS256.
    pub hs256_secret: Option<Secret>,
    /// The public key of EdDSA, PEM.
    pub eddsa_public_key: Option<String>,
    /// A file with a JSON Web Key Set (RFC 7517), read again when it changes.
    pub jwks_file: Option<PathBuf>,
    /// An address that has a JSON Web Key Set.
    pub jwks_url: Option<String>,
    /// The issuer that `iss` must name.
    pub issuer: Option<String>,
    /// The audience that `aud` must name.
    pub audience: Option<String>,
    /// How far clocks may differ.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            hs256_secret: None,
            eddsa_public_key: None,
            jwks_file: None,
            jwks_url: None,
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
        }
    }
}

/// The operator's endpoint.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where tokens are posted to.
    pub url: String,
    /// How long it may take.
    #[serde(with = "humantime_serde", default = "three_seconds")]
    pub timeout: Duration,
    /// Questions that may wait for its answer at once.
    #[serde(default = "questions_max")]
    pub questions_max: usize,
}

fn questions_max() -> usize {
    64
}

fn three_seconds() -> Duration {
    Duration::from_secs(3)
}

/// A user with a token written in the configuration.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    /// The user.
    pub name: String,
    /// His token.
    pub token: Secret,
    /// The accounts he may use.
    pub accounts: Vec<String>,
    /// What he may dial, as patterns of `[[route]]`; by default all that the dial plan allows.
    pub destinations: Option<Vec<String>>,
    /// Calls he may have at once.
    pub calls_max: Option<usize>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            anonymous: false,
            jwt: None,
            http: None,
            user: Vec::new(),
            accounts_from_clients: false,
            hello_timeout: Duration::from_secs(5),
        }
    }
}
