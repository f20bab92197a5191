//! `[[account]]`: SIP identities that are kept and registered here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// One identity.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Its name in tokens, routes and the JSON protocol.
    pub name: String,
    /// Its address: `sip:1001@pbx.example`.
    pub uri: String,
    /// The user name for challenges; by default the user of the URI.
    pub user: Option<String>,
    /// The password.
    pub password: Secret,
    /// The trunk that its registrar is.
    pub trunk: String,
    /// The client user that its calls are for.
    pub owner: String,
    /// The name that callees see.
    pub display_name: Option<String>,
    /// How long a registration is asked for.
    #[serde(with = "humantime_serde")]
    pub expires: Duration,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            name: String::new(),
            uri: String::new(),
            user: None,
            password: Secret::default(),
            trunk: String::new(),
            owner: String::new(),
            display_name: None,
            expires: Duration::from_secs(600),
        }
    }
}
