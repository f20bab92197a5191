//! What an honest chat client describes: contents, credentials, who sends.

use std::collections::BTreeMap;

use super::super::client::{Belief, Flow};
use crate::xml::content::{Content, Ice, Read};

/// Which end of a session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Initiator,
    Responder,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// One content that both ends have.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) creator: String,
    pub(super) media: String,
    pub(super) senders: String,
}

/// One end's view of one session.
#[derive(Clone, Debug)]
pub(super) struct Media {
    /// Names the end: its credentials are made of it.
    pub(super) name: u64,
    pub(super) generation: u64,
    pub(super) role: Role,
    /// Its DTLS role, once there is one.
    setup: Option<&'static str>,
    /// The other end's credentials.
    pub(super) heard: String,
    /// Those that it once had.
    pub(super) past: Vec<String>,
    pub(super) contents: BTreeMap<String, Known>,
}

impl Media {
    pub(super) fn new(name: u64, role: Role) -> Self {
        Self {
            name,
            generation: 0,
            role,
            setup: None,
            heard: String::new(),
            past: Vec::new(),
            contents: BTreeMap::new(),
        }
    }

    pub(super) fn fragment(&self) -> String {
        format!("u{:03}g{}", self.name, self.generation)
    }

    /// Its transport: with a fingerprint where it is described, with candidates or without.
    pub(super) fn ice(&self, described: bool, ports: &[u64]) -> Ice {
        Ice {
            ufrag: self.fragment(),
            setup: described.then(|| self.setup.unwrap_or("actpass").to_owned()),
            ports: ports.to_vec(),
        }
    }

    /// A content with all that describes it.
    pub(super) fn described(&self, name: &str, ports: &[u64]) -> Content {
        let known = &self.contents[name];
        Content {
            creator: known.creator.clone(),
            name: name.to_owned(),
            media: Some(known.media.clone()),
            senders: Some(known.senders.clone()),
            ice: Some(self.ice(true, ports)),
            extended: false,
        }
    }

    /// A content that is named.
    pub(super) fn named(&self, name: &str) -> Content {
        Content::named(&self.contents[name].creator, name)
    }

    /// Adds a content.
    pub(super) fn adds(&mut self, name: &str, creator: Role, media: &str, senders: &str) {
        let known = Known {
            creator: creator.name().to_owned(),
            media: media.to_owned(),
            senders: senders.to_owned(),
        };
        self.contents.insert(name.to_owned(), known);
    }

    /// The other end begins a session, or accepts ours.
    pub(super) fn hears(&mut self, contents: &[Read]) {
        for content in contents {
            if let Some(ufrag) = &content.ufrag {
                self.heard.clone_from(ufrag);
            }
            let known = Known {
                creator: content.creator.clone(),
                media: content.media.clone().unwrap_or_default(),
                senders: content.senders.clone().unwrap_or("both".to_owned()),
            };
            self.contents.insert(content.name.clone(), known);
            match content.setup.as_deref() {
                Some("active") => self.setup = Some("passive"),
                Some("passive") => self.setup = Some("active"),
                _ => {}
            }
        }
    }

    /// It accepts: from now on it has a DTLS role.
    pub(super) fn accepts(&mut self) {
        self.setup.get_or_insert("active");
    }

    /// Whether credentials are new: neither those that are known nor past ones.
    pub(super) fn is_new(&self, ufrag: &str) -> bool {
        self.heard != ufrag && !self.past.iter().any(|past| past == ufrag)
    }

    pub(super) fn restarted(&mut self, ufrag: &str) {
        let past = std::mem::replace(&mut self.heard, ufrag.to_owned());
        self.past.push(past);
    }

    /// What it believes: credentials, and in each content who sends.
    pub(super) fn belief(&self) -> Belief {
        let flow = |(name, known): (&String, &Known)| {
            let is = |senders: &str| known.senders == "both" || known.senders == senders;
            Flow {
                mid: name.clone(),
                own: is(self.role.name()),
                other: is(self.role.other().name()),
            }
        };
        Belief {
            own: self.fragment(),
            other: self.heard.clone(),
            flows: self.contents.iter().map(flow).collect(),
        }
    }
}
