//! What an honest peer describes: roles, generations and directions that fit what was said before.

use super::client::{Belief, Flow};

/// One peer's view of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Media {
    /// Names the peer: its credentials and ports are made of it.
    pub(super) name: u64,
    version: u64,
    generation: u64,
    role: Option<&'static str>,
    heard: String,
    /// The last description of its own, and of the other side.
    said: String,
    told: String,
    /// Sections behind the first.
    more: Vec<Section>,
    /// Whether it takes video.
    pub(super) sees: bool,
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

    /// An offer that adds video by this mid, or drops what there is.
    pub(super) fn offer_of_video(&mut self, mid: String) -> String {
        self.before = Some(Box::new(self.clone()));
        let mut live = self.more.iter_mut().filter(|section| section.is_live);
        match live.next() {
            Some(section) => section.is_live = false,
            None => self.more.push(Section {
                mid,
                is_live: true,
                direction: "sendrecv",
            }),
        }
        let mut own = sections(&self.said).into_iter();
        let direction = own.next().map_or("sendrecv", |section| section.direction);
        self.text("actpass", direction, true)
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
        let mut offered = sections(offer).into_iter();
        let direction = offered
            .next()
            .map_or("sendrecv", |it| reversed(it.direction));
        let takes = |section: Section| Section {
            is_live: section.is_live && self.sees,
            direction: reversed(section.direction),
            ..section
        };
        self.more = offered.map(takes).collect();
        offer.clone_into(&mut self.told);
        self.text(role, direction, candidates)
    }

    /// The answer to the peer's own offer. Says what is wrong with it.
    pub(super) fn answered(&mut self, answer: &str) -> Result<(), String> {
        self.before = None;
        self.heard = ufrag(answer);
        self.role.get_or_insert("passive");
        let answered = sections(answer).into_iter().skip(1);
        for (own, theirs) in self.more.iter_mut().zip(answered) {
            own.is_live &= theirs.is_live;
        }
        answer.clone_into(&mut self.told);
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
        let [own, other] = [&self.said, &self.told].map(|text| sections(text));
        let flow = |(own, other): (Section, Section)| {
            let sends = |section: &Section| section.direction.starts_with("send");
            let takes = |section: &Section| {
                section.direction.ends_with("recv") || section.direction == "recvonly"
            };
            (own.is_live && other.is_live).then(|| Flow {
                own: sends(&own) && takes(&other),
                other: sends(&other) && takes(&own),
                mid: own.mid,
            })
        };
        Belief {
            own: self.fragment(),
            other: self.heard.clone(),
            flows: own.into_iter().zip(other).filter_map(flow).collect(),
        }
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
        let live = self.more.iter().filter(|section| section.is_live);
        let bundled: String = live.map(|section| format!(" {}", section.mid)).collect();
        let more: String = self
            .more
            .iter()
            .map(|section| section.write(&fragment, setup))
            .collect();
        self.said = format!(
            "v=0\r\no=- {name} {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
             a=group:BUNDLE 0{bundled}\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\nc=IN IP4 0.0.0.0\r\n{lines}\
             a=ice-ufrag:{fragment}\r\na=ice-pwd:{fragment}0123456789012345678901\r\n\
             a=ice-options:trickle\r\na=fingerprint:sha-256 {print}\r\na=setup:{setup}\r\n\
             a=mid:0\r\na={direction}\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:110 telephone-event/48000\r\n{more}"
        );
        self.said.clone()
    }
}

/// One section of a description.
#[derive(Clone, Debug)]
struct Section {
    mid: String,
    is_live: bool,
    direction: &'static str,
}

impl Section {
    /// A section of video.
    fn write(&self, fragment: &str, setup: &str) -> String {
        let (mid, direction) = (&self.mid, self.direction);
        if !self.is_live {
            return format!(
                "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n\
                 a=inactive\r\n"
            );
        }
        let print = ["AB"; 32].join(":");
        format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{fragment}\r\n\
             a=ice-pwd:{fragment}0123456789012345678901\r\na=fingerprint:sha-256 {print}\r\n\
             a=setup:{setup}\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n\
             a=rtpmap:96 VP8/90000\r\n"
        )
    }
}

/// The sections of a description.
fn sections(sdp: &str) -> Vec<Section> {
    let parts = sdp.split("\r\nm=").skip(1);
    let section = |part: &str| {
        let mid = part.lines().find_map(|line| line.strip_prefix("a=mid:"));
        let is = |direction: &&str| part.contains(&format!("a={direction}\r\n"));
        let directions = ["sendonly", "recvonly", "inactive"].into_iter();
        Section {
            mid: mid.unwrap_or_default().to_owned(),
            is_live: part.split(' ').nth(1) != Some("0"),
            direction: directions.clone().find(is).unwrap_or("sendrecv"),
        }
    };
    parts.map(section).collect()
}

fn reversed(direction: &'static str) -> &'static str {
    match direction {
        "sendonly" => "recvonly",
        "recvonly" => "sendonly",
        same => same,
    }
}

fn ufrag(sdp: &str) -> String {
    let line = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    line.unwrap_or_default().to_owned()
}
