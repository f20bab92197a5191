//! The dial plan: its patterns, its targets, its templates.

use super::Check;
use crate::config::{Config, REJECTIONS};

impl Check<'_> {
    pub(super) fn routes(&mut self, config: &Config) {
        for (place, route) in config.route.iter().enumerate() {
            let key = |name: &str| format!("route[{place}].{name}");
            if !is_pattern(&route.pattern) {
                self.wrong(
                    key("match"),
                    "is to be a text with at most one `*`, such as `6*`",
                );
            }
            let has_star = route.pattern.contains('*');
            let (kind, name) = route.to.split_once(':').unwrap_or((&route.to, ""));
            match kind {
                "trunk" if config.trunk.iter().any(|trunk| trunk.name == name) => {}
                "trunk" if !self.is_read("trunk") => {}
                "trunk" => self.wrong(key("to"), format!("there is no trunk named `{name}`")),
                "account" | "chat" if name.is_empty() => {}
                "component" if config.component.iter().any(|one| one.name == name) => {}
                "component" if !self.is_read("component") => {}
                "component" => {
                    self.wrong(key("to"), format!("there is no component named `{name}`"));
                }
                "user" | "join" if !name.is_empty() => self.template(&key("to"), name, has_star),
                "reject" if REJECTIONS.contains(&name) => {}
                _ => {
                    let what = format!(
                        "is to be `trunk:` and a known trunk, `account`, `component:` and a known \
                         component, `chat`, `user:` and a name, `join:` and a word, or \
                         `reject:` and one of {}",
                        REJECTIONS.join(", ")
                    );
                    self.wrong(key("to"), what);
                }
            }
            if let Some(dial) = &route.dial {
                if dial.is_empty() || !matches!(kind, "trunk" | "account" | "component" | "chat") {
                    let what = "is what is dialled at a trunk or a chat server: it goes with \
                                `trunk:`, `account`, `component:` and `chat`";
                    self.wrong(key("dial"), what);
                }
                self.template(&key("dial"), dial, has_star);
            }
        }
    }

    fn template(&mut self, key: &str, template: &str, has_star: bool) {
        let without = template.replace("{*}", "").replace("{}", "");
        if without.contains(['{', '}']) {
            self.wrong(
                key,
                "knows `{}`, all that was dialled, and `{*}`, what the `*` stood for",
            );
        } else if template.contains("{*}") && !has_star {
            self.wrong(key, "holds `{*}`, and there is no `*` in `match`");
        }
    }
}

/// Whether a text is a pattern of the dial plan.
pub(super) fn is_pattern(text: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control();
    !text.is_empty() && text.matches('*').count() <= 1 && text.chars().all(fits)
}
