//! Presence of the gateway's addresses (RFC 6121 §3, §4).
//!
//! Whoever may call and subscribes to an address that is served is approved at once and told that
//! it is there, with what it can do; to anybody else there is no such address. Servers remember a
//! subscription and forget our presence with the stream; who has been told is told again when it
//! is up.

use std::collections::BTreeSet;

use minidom::Element;

use super::ns;
use super::stanza::{bare, element, set};

/// The resource that addresses of a component are present with.
pub const RESOURCE: &str = "crosspoint";

/// What presence of somebody led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// It is about an address of ours: these answer it.
    Answers(Vec<Element>),
    /// It is of a user about himself.
    Up,
}

/// Who is told of which address.
#[derive(Debug)]
pub struct Presences {
    told: BTreeSet<(String, String)>,
    max: usize,
    caps: [Element; 2],
    /// Pairs that found no room: they are told, and not again after a loss.
    pub refused: u64,
}

impl Presences {
    /// Nobody yet.
    #[must_use]
    pub fn new(max: usize, caps: [Element; 2]) -> Self {
        Self {
            told: BTreeSet::new(),
            max,
            caps,
            refused: 0,
        }
    }

    /// Takes presence to an address of ours, which this user is told of or not.
    pub fn handle(&mut self, stanza: &Element, tells: bool) -> Reaction {
        let (Some(from), Some(to)) = (stanza.attr("from"), stanza.attr("to")) else {
            return Reaction::Up;
        };
        let (user, own) = (bare(from), bare(to));
        let about = |kind| element("presence", ns::CLIENT, &about(kind, own, user));
        match stanza.attr("type") {
            Some("subscribe") if tells => {
                let told = self.tell(own, user, user);
                Reaction::Answers(vec![about("subscribed"), told])
            }
            // RFC 6121 §4.3: a server asks on behalf of a user who has just come.
            Some("probe") if tells => Reaction::Answers(vec![self.tell(own, user, from)]),
            // RFC 6121 §3.1.3, §4.3.2: there is no such address.
            Some("subscribe" | "probe") => Reaction::Answers(vec![about("unsubscribed")]),
            Some("unsubscribe") => {
                self.told.remove(&(own.to_owned(), user.to_owned()));
                Reaction::Answers(vec![about("unsubscribed")])
            }
            Some("unsubscribed") => {
                self.told.remove(&(own.to_owned(), user.to_owned()));
                Reaction::Up
            }
            Some(_) | None => Reaction::Up,
        }
    }

    /// What all who are told are told when the stream is up again.
    pub fn again(&self) -> impl Iterator<Item = Element> + '_ {
        self.told.iter().map(|(own, user)| self.here(own, user))
    }

    /// What all who are told are told at the end.
    pub fn gone(&self) -> impl Iterator<Item = Element> + '_ {
        self.told.iter().map(|(own, user)| {
            let from = format!("{own}/{RESOURCE}");
            element("presence", ns::CLIENT, &about("unavailable", &from, user))
        })
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.told.len()
    }

    /// Whether nobody is told of anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    fn tell(&mut self, own: &str, user: &str, to: &str) -> Element {
        let pair = (own.to_owned(), user.to_owned());
        if self.told.len() < self.max || self.told.contains(&pair) {
            self.told.insert(pair);
        } else {
            self.refused += 1;
        }
        self.here(own, to)
    }

    fn here(&self, own: &str, to: &str) -> Element {
        let mut presence = element("presence", ns::CLIENT, &[("to", to)]);
        set(&mut presence, "from", &format!("{own}/{RESOURCE}"));
        for caps in &self.caps {
            presence.append_child(caps.clone());
        }
        presence
    }
}

fn about<'a>(kind: &'a str, own: &'a str, user: &'a str) -> [(&'static str, &'a str); 3] {
    [("type", kind), ("from", own), ("to", user)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::disco::Disco;

    fn presences(max: usize) -> Presences {
        Presences::new(max, Disco::new(true).caps())
    }

    fn stanza(kind: &str, from: &str) -> Element {
        let attributes = [("type", kind), ("from", from), ("to", "+1555@gw")];
        element("presence", ns::CLIENT, &attributes)
    }

    fn answers(reaction: Reaction) -> Vec<(String, String)> {
        match reaction {
            Reaction::Up => vec![("up".to_owned(), String::new())],
            Reaction::Answers(answers) => {
                let text = |name: &str, one: &Element| one.attr(name).unwrap_or("").to_owned();
                let both = answers
                    .iter()
                    .map(|one| (text("type", one), text("to", one)));
                both.collect()
            }
        }
    }

    fn said(kind: &str, to: &str) -> (String, String) {
        (kind.to_owned(), to.to_owned())
    }

    #[test]
    fn subscriber_is_approved_and_told_now_and_after_a_loss() {
        let mut presences = presences(10);
        let reaction = presences.handle(&stanza("subscribe", "a@b/c"), true);
        assert_eq!(
            answers(reaction),
            [said("subscribed", "a@b"), said("", "a@b")]
        );
        let again: Vec<_> = presences.again().collect();
        assert_eq!(again[0].attr("from"), Some("+1555@gw/crosspoint"));
        assert!(again[0].has_child("c", ns::CAPS));
        presences.handle(&stanza("unsubscribe", "a@b"), true);
        assert!(presences.is_empty());
    }

    #[test]
    fn address_that_is_not_served_has_no_presence() {
        let mut presences = presences(10);
        for kind in ["subscribe", "probe"] {
            let reaction = presences.handle(&stanza(kind, "a@b"), false);
            assert_eq!(answers(reaction), [said("unsubscribed", "a@b")]);
        }
        assert!(presences.is_empty());
    }

    #[test]
    fn pairs_are_bounded_and_counted() {
        let mut presences = presences(1);
        for user in ["a@b", "c@d", "a@b"] {
            presences.handle(&stanza("probe", user), true);
        }
        assert_eq!((presences.len(), presences.refused), (1, 1));
    }

    #[test]
    fn presence_of_users_themselves_goes_up() {
        let mut presences = presences(1);
        for kind in ["unavailable", "subscribed", "error", "odd"] {
            assert_eq!(presences.handle(&stanza(kind, "a@b"), true), Reaction::Up);
        }
    }
}
