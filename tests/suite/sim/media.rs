//! What an honest peer describes: roles, generations and directions that fit what was said before.

use super::client::Belief;

/// One peer's view of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Media {
    /// Names the peer: its credentials and ports are made of it.
    pub(super) name: u64,
    version: u64,
    generation: u64,
    role: Option<&'static str>,
    heard: String,
    /// What it was before the offer that is out.
    before: Option<Box<Media>>,
}

impl Media {
    pub(super) fn new(name: u64) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// An offer. `restarts` asks for a new ICE generation.
    pub(super) fn offer(&mut self, direction: &str, restarts: bool, candidates: bool) -> String {
        self.before = Some(Box::new(self.clone()));
        self.generation += u64::from(restarts);
        self.text("actpass", direction, candidates)
    }

    /// The offer came to nothing.
    pub(super) fn rolled_back(&mut self) {
        if let Some(before) = self.before.take() {
            let version = self.version;
            *self = *before;
            self.version = version;
        }
    }

    /// The answer to an offer.
    pub(super) fn answer(&mut self, offer: &str, candidates: bool) -> String {
        let ufrag = ufrag(offer);
        if !self.heard.is_empty() && self.heard != ufrag {
            self.generation += 1;
        }
        self.heard = ufrag;
        let role = *self.role.get_or_insert("active");
        let direction = if offer.contains("a=sendonly") {
            "recvonly"
        } else if offer.contains("a=recvonly") {
            "sendonly"
        } else if offer.contains("a=inactive") {
            "inactive"
        } else {
            "sendrecv"
        };
        self.text(role, direction, candidates)
    }

    /// The answer to the peer's own offer. Says what is wrong with it.
    pub(super) fn answered(&mut self, answer: &str) -> Result<(), String> {
        self.before = None;
        self.heard = ufrag(answer);
        self.role.get_or_insert("passive");
        match answer.contains("m=audio") && !answer.contains("a=setup:actpass") {
            true => Ok(()),
            false => Err(format!("no answer:\n{answer}")),
        }
    }

    /// A candidate that belongs to the current generation.
    pub(super) fn candidate(&self, port: u64) -> (String, String) {
        let text = format!("candidate:1 1 udp 2122260223 192.0.2.99 {port} typ host");
        (text, self.fragment())
    }

    /// What it believes: its own credentials, and the other side's.
    pub(super) fn belief(&self) -> Belief {
        let (own, other) = (self.fragment(), self.heard.clone());
        Belief { own, other }
    }

    /// The name of the other side; 0 before anything was heard.
    pub(super) fn other(&self) -> u64 {
        let name = self.heard.strip_prefix('u').unwrap_or_default();
        let name = name.split('g').next().unwrap_or_default();
        name.parse().unwrap_or(0)
    }

    fn fragment(&self) -> String {
        format!("u{:03}g{}", self.name, self.generation)
    }

    fn text(&mut self, setup: &str, direction: &str, candidates: bool) -> String {
        self.version += 1;
        let (name, version, fragment) = (self.name, self.version, self.fragment());
        let print = ["AB"; 32].join(":");
        let lines = match candidates {
            true => {
                "a=candidate:1 1 udp 2122260223 192.0.2.99 4000 typ host\r\n\
                 a=end-of-candidates\r\n"
            }
            false => "",
        };
        format!(
            "v=0\r\no=- {name} {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\nc=IN IP4 0.0.0.0\r\n{lines}\
             a=ice-ufrag:{fragment}\r\na=ice-pwd:{fragment}0123456789012345678901\r\n\
             a=ice-options:trickle\r\na=fingerprint:sha-256 {print}\r\na=setup:{setup}\r\n\
             a=mid:0\r\na={direction}\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
        )
    }
}

fn ufrag(sdp: &str) -> String {
    let line = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    line.unwrap_or_default().to_owned()
}
