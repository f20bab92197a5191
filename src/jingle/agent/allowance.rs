//! [`Allowance`]: how many candidates a peer may tell of one generation of ICE, each once.
//!
//! Whatever is told of a candidate costs: it is compared with the others of its section, passed on,
//! written. A peer that tells the same one for ever, or ever new ones, is not to cost more than one
//! that tells `call.candidates_max`.

use std::collections::BTreeSet;

use super::super::action::Jingle;
use super::super::content::Content;
use super::super::ice_udp::Candidate;
use crate::sdp;

/// The candidates that one peer has told.
#[derive(Debug)]
pub(super) struct Allowance {
    max: usize,
    /// The username fragments of the peer's last description.
    generation: BTreeSet<String>,
    known: BTreeSet<String>,
    limit: Limit,
}

/// Whether the limit of this generation was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Kept,
    Hit,
}

/// What did not find room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// So many candidates, the first of their generation.
    First(usize),
    /// So many more.
    More(usize),
}

impl Allowance {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            generation: BTreeSet::new(),
            known: BTreeSet::new(),
            limit: Limit::Kept,
        }
    }

    /// Takes out of a transport-info what was told before, and what is too much or too long.
    /// `generation` has the username fragments of the peer's description as it is now.
    pub(super) fn admit(
        &mut self,
        jingle: &mut Jingle,
        generation: BTreeSet<String>,
    ) -> Option<Over> {
        if generation != self.generation {
            // Of what came before a description nothing is told again.
            if !self.generation.is_empty() {
                self.known.clear();
            }
            (self.generation, self.limit) = (generation, Limit::Kept);
        }
        let (mut others, mut over) = (0, 0);
        for content in &mut jingle.contents {
            let is_current = self.is_current(content);
            let name = content.name.clone();
            let Some(transport) = content.ice_mut() else {
                continue;
            };
            transport.candidates.retain(|candidate| {
                let has_room = if candidate.length() > sdp::Candidate::LENGTH_MAX {
                    false
                } else if is_current {
                    let key = key(&name, candidate);
                    if self.known.contains(&key) {
                        return false;
                    }
                    self.known.len() < self.max && self.known.insert(key)
                } else {
                    // Of a restart, which may come to nothing.
                    others += 1;
                    others <= self.max
                };
                over += usize::from(!has_room);
                has_room
            });
        }
        match (over, self.limit) {
            (0, _) => None,
            (_, Limit::Kept) => {
                self.limit = Limit::Hit;
                Some(Over::First(over))
            }
            (_, Limit::Hit) => Some(Over::More(over)),
        }
    }

    /// Whether a content is of the generation that is described, or names none.
    fn is_current(&self, content: &Content) -> bool {
        let ufrag = content.ice().and_then(|ice| ice.ufrag.as_ref());
        self.generation.is_empty() || ufrag.is_none_or(|ufrag| self.generation.contains(ufrag))
    }
}

/// What tells a candidate from others of its session.
fn key(content: &str, candidate: &Candidate) -> String {
    let Candidate {
        component,
        ip,
        port,
        protocol,
        kind,
        tcptype,
        ..
    } = candidate;
    let tcptype = tcptype.as_deref().unwrap_or_default();
    [content, component, ip, port, protocol, kind, tcptype].join("\0")
}

#[cfg(test)]
mod tests {
    use super::super::super::action::Action;
    use super::super::super::content::{Role, Transport};
    use super::super::super::ice_udp::IceUdp;
    use super::*;

    fn told(ufrag: &str, ports: std::ops::Range<u16>) -> Jingle {
        let candidates = ports.map(|port| Candidate {
            port: port.to_string(),
            ..Candidate::default()
        });
        let transport = IceUdp {
            ufrag: Some(ufrag.to_owned()),
            candidates: candidates.collect(),
            ..IceUdp::default()
        };
        let mut content = Content::named(Role::Initiator, "0");
        content.transport = Some(Transport::IceUdp(Box::new(transport)));
        let mut jingle = Jingle::new(Action::TransportInfo, "s");
        jingle.contents = vec![content];
        jingle
    }

    fn admitted(allowance: &mut Allowance, mut jingle: Jingle, of: &str) -> (usize, Option<Over>) {
        let over = allowance.admit(&mut jingle, BTreeSet::from([of.to_owned()]));
        (jingle.contents[0].ice().unwrap().candidates.len(), over)
    }

    #[test]
    fn each_is_told_once_and_so_many_of_a_generation() {
        let mut allowance = Allowance::new(4);
        assert_eq!(admitted(&mut allowance, told("a", 0..3), "a"), (3, None));
        assert_eq!(admitted(&mut allowance, told("a", 0..3), "a"), (0, None));
        let first = (1, Some(Over::First(2)));
        assert_eq!(admitted(&mut allowance, told("a", 2..6), "a"), first);
        let more = (0, Some(Over::More(1)));
        assert_eq!(admitted(&mut allowance, told("a", 9..10), "a"), more);
        assert_eq!(admitted(&mut allowance, told("b", 0..3), "b"), (3, None));
    }

    #[test]
    fn restart_that_comes_to_nothing_gives_no_room() {
        let mut allowance = Allowance::new(4);
        assert_eq!(admitted(&mut allowance, told("a", 0..4), "a"), (4, None));
        let restart = (4, Some(Over::First(2)));
        assert_eq!(admitted(&mut allowance, told("b", 0..6), "a"), restart);
        let more = (0, Some(Over::More(1)));
        assert_eq!(admitted(&mut allowance, told("a", 9..10), "a"), more);
    }

    #[test]
    fn what_came_before_the_description_is_counted_with_it() {
        let mut allowance = Allowance::new(4);
        let mut early = told("a", 0..3);
        assert_eq!(allowance.admit(&mut early, BTreeSet::new()), None);
        let first = (1, Some(Over::First(1)));
        assert_eq!(admitted(&mut allowance, told("a", 2..5), "a"), first);
    }
}
