//! `[[route]]`: what clients may dial.

use serde::{Deserialize, Serialize};

/// One line of the dial plan; the first that matches counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// What is dialled: a text in which at most one `*` stands for anything and each `?` for one
    /// digit.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Where it goes: `trunk:NAME`, `account` (the trunk of the caller's account), `user:NAME`,
    /// `join:WORD`, `component:NAME` (a chat user, by this component), `chat` (the same, by the
    /// caller's own account at a chat server), `reject:CAUSE` with one of [`REJECTIONS`]. In a name
    /// and a word, `{}` and `{*}` are as in `dial`.
    pub to: String,
    /// What is dialled at a trunk or a chat server: a text in which `{}` is what was dialled and
    /// `{*}` what the `*` stood for; by default what was dialled.
    pub dial: Option<String>,
}

/// Causes that a route may reject with.
pub const REJECTIONS: [&str; 5] = ["busy", "declined", "forbidden", "not_found", "unavailable"];
