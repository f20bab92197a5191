//! `[[route]]`: what clients may dial.

use serde::{Deserialize, Serialize};

/// One line of the dial plan; the first that matches counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// What is dialled: a text with at most one `*`, which stands for anything.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Where it goes: `trunk:NAME`, `account` (the trunk of the caller's account), `user:NAME`,
    /// `join:WORD`, `reject:CAUSE`.
    pub to: String,
    /// What is dialled there: a text in which `{}` is what was dialled and `{*}` what the `*` stood
    /// for; by default what was dialled.
    pub dial: Option<String>,
}
