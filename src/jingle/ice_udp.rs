//! [`IceUdp`]: ICE credentials and candidates of a content (XEP-0176).
//!
//! Every attribute of a candidate is text first: browsers send mDNS names as addresses, Firefox
//! writes foundations that are no byte, Monal spells `rel_port`. What a candidate is, is decided
//! where it becomes one of a description, by [`Candidate::to_sdp`].

use std::collections::BTreeSet;
use std::fmt;

use minidom::Element;

use super::dtls::Fingerprint;
use super::ns;
use super::tag::{Tag, digits, said};
use crate::sdp;

/// `<transport/>` of ICE over UDP.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceUdp {
    /// The username fragment.
    pub ufrag: Option<String>,
    /// The password. A secret.
    pub pwd: Option<String>,
    /// The candidates, in order.
    pub candidates: Vec<Candidate>,
    /// The fingerprints, one a hash function.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether candidates come one by one; Jingle peers do so without saying it.
    pub trickle: bool,
    /// Whether the pair in use may be nominated anew.
    pub renomination: bool,
    /// Whether no more candidates come (XEP-0371).
    pub gathering_complete: bool,
}

/// `<candidate/>`, its attributes as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// 1 for RTP, 2 for RTCP.
    pub component: String,
    /// What candidates of one base, type and server share.
    pub foundation: String,
    /// Which ICE generation, from 0.
    pub generation: Option<String>,
    /// Unique in the session.
    pub id: Option<String>,
    /// An address, or an mDNS name of a browser.
    pub ip: String,
    /// Which interface, from 0.
    pub network: Option<String>,
    /// The port.
    pub port: String,
    /// The priority.
    pub priority: String,
    /// `udp`, or `tcp` outside of the XEP.
    pub protocol: String,
    /// `host`, `srflx`, `prflx`, `relay`.
    pub kind: String,
    /// The related address.
    pub rel_addr: Option<String>,
    /// The related port.
    pub rel_port: Option<String>,
    /// Who opens a connection of TCP.
    pub tcptype: Option<String>,
}

impl IceUdp {
    /// Reads `<transport/>`. What is not known is ignored.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        let mut transport = Self {
            ufrag: said(element, "ufrag"),
            pwd: said(element, "pwd"),
            ..Self::default()
        };
        for child in element.children() {
            match (child.name(), child.ns().as_str()) {
                ("candidate", ns::ICE_UDP) => transport.candidates.push(Candidate::read(child)),
                ("fingerprint", ns::DTLS) => {
                    transport.fingerprints.extend(Fingerprint::read(child));
                }
                ("trickle", ns::ICE_OPTION) => transport.trickle = true,
                ("renomination", ns::ICE_OPTION) => transport.renomination = true,
                ("gathering-complete", _) => transport.gathering_complete = true,
                // `<remote-candidate/>` tells what was nominated, which ICE finds itself; others
                // are of extensions that nobody here knows.
                _ => {}
            }
        }
        transport
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        Tag::new("transport", ns::ICE_UDP)
            .attr_if("ufrag", self.ufrag.as_deref())
            .attr_if("pwd", self.pwd.as_deref())
            .flag(self.trickle, "trickle", ns::ICE_OPTION)
            .flag(self.renomination, "renomination", ns::ICE_OPTION)
            .children(self.fingerprints.iter().map(Fingerprint::write))
            .children(self.candidates.iter().map(Candidate::write))
            .build()
    }

    /// Takes what an earlier message said of the same transport and this one does not: Dino sends
    /// the fingerprint before it accepts (XEP-0320 §1), others their candidates.
    pub fn absorb(&mut self, earlier: &Self) {
        if self.fingerprints.is_empty() {
            self.fingerprints.clone_from(&earlier.fingerprints);
        }
        let same = earlier.ufrag.is_none() || self.ufrag.is_none() || self.ufrag == earlier.ufrag;
        if !same {
            return;
        }
        if self.ufrag.is_none() {
            self.ufrag.clone_from(&earlier.ufrag);
            self.pwd.clone_from(&earlier.pwd);
        }
        let known: BTreeSet<&Candidate> = self.candidates.iter().collect();
        let others = earlier.candidates.iter();
        let others = others.filter(|candidate| !known.contains(candidate));
        let others: Vec<Candidate> = others.cloned().collect();
        self.candidates.extend(others);
        self.gathering_complete |= earlier.gathering_complete;
    }
}

/// Shows no password.
impl fmt::Debug for IceUdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceUdp")
            .field("ufrag", &self.ufrag)
            .field("candidates", &self.candidates)
            .field("fingerprints", &self.fingerprints)
            .finish_non_exhaustive()
    }
}

impl Candidate {
    /// Reads `<candidate/>`; what is missing is empty.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        let text = |name: &str| said(element, name).unwrap_or_default();
        Self {
            component: text("component"),
            foundation: text("foundation"),
            generation: said(element, "generation"),
            id: said(element, "id"),
            ip: text("ip"),
            network: said(element, "network"),
            port: text("port"),
            priority: text("priority"),
            protocol: text("protocol"),
            kind: text("type"),
            rel_addr: said(element, "rel-addr").or_else(|| said(element, "rel_addr")),
            rel_port: said(element, "rel-port").or_else(|| said(element, "rel_port")),
            tcptype: said(element, "tcptype"),
        }
    }

    /// Bytes of all that it says.
    pub(super) fn length(&self) -> usize {
        let told = [
            &self.component,
            &self.foundation,
            &self.ip,
            &self.port,
            &self.priority,
            &self.protocol,
            &self.kind,
        ];
        let maybe = [
            &self.generation,
            &self.id,
            &self.network,
            &self.rel_addr,
            &self.rel_port,
            &self.tcptype,
        ];
        let maybe = maybe.into_iter().flatten();
        told.into_iter().chain(maybe).map(String::len).sum()
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        Tag::new("candidate", ns::ICE_UDP)
            .attr("component", &self.component)
            .attr("foundation", &self.foundation)
            .attr_if("generation", self.generation.as_deref())
            .attr_if("id", self.id.as_deref())
            .attr("ip", &self.ip)
            .attr_if("network", self.network.as_deref())
            .attr("port", &self.port)
            .attr("priority", &self.priority)
            .attr("protocol", &self.protocol)
            .attr("type", &self.kind)
            .attr_if("rel-addr", self.rel_addr.as_deref())
            .attr_if("rel-port", self.rel_port.as_deref())
            .attr_if("tcptype", self.tcptype.as_deref())
            .build()
    }

    /// A candidate of a description. `generation` and `network` are required by the XEP's schema
    /// and 0 where nothing is said; the id is made of what the candidate is, so that the same one
    /// has the same id whenever it is told.
    #[must_use]
    pub fn of_sdp(content: &str, candidate: &sdp::Candidate) -> Self {
        let number = |name: &str| {
            let said = candidate
                .extension(name)
                .filter(|text| digits::<u8>(text).is_some());
            Some(said.unwrap_or("0").to_owned())
        };
        let transport = match candidate.transport() {
            sdp::Transport::Udp => "udp",
            sdp::Transport::Tcp => "tcp",
        };
        let mut made = Self {
            component: candidate.component().to_string(),
            foundation: candidate.foundation().to_owned(),
            generation: number("generation"),
            id: None,
            ip: candidate.address_text().to_owned(),
            network: number("network-id"),
            port: candidate.port().to_string(),
            priority: candidate.priority().to_string(),
            protocol: transport.to_owned(),
            kind: candidate.typ().as_str().to_owned(),
            rel_addr: candidate.raddr().map(str::to_owned),
            rel_port: candidate.rport().map(|port| port.to_string()),
            tcptype: candidate.tcp_type().map(|typ| typ.as_str().to_owned()),
        };
        made.id = Some(made.name(content, candidate.ufrag().unwrap_or("")));
        made
    }

    /// A name of letters and digits, made of all that tells it from others, and of nothing that one
    /// writes so and another otherwise: FNV-1a.
    fn name(&self, content: &str, ufrag: &str) -> String {
        let mut text = [
            self.foundation.as_str(),
            &self.component,
            &self.protocol,
            &self.priority,
            &self.ip,
            &self.port,
            "typ",
            &self.kind,
        ]
        .join(" ");
        for (name, value) in [
            ("raddr", &self.rel_addr),
            ("rport", &self.rel_port),
            ("tcptype", &self.tcptype),
        ] {
            if let Some(value) = value {
                text.push_str(&format!(" {name} {value}"));
            }
        }
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in format!("{content}\0candidate:{text}\0{ufrag}").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("c{hash:016x}")
    }

    /// The candidate for a description; `ufrag` says which generation it is of, as browsers write.
    ///
    /// # Errors
    /// [`sdp::CandidateError`] where an attribute is missing or not what it must be.
    pub fn to_sdp(&self, ufrag: Option<&str>) -> Result<sdp::Candidate, sdp::CandidateError> {
        let one = |text: &str, what| match text.split_whitespace().next() {
            Some(word) if word.len() == text.len() => Ok(word.to_owned()),
            _ => Err(sdp::CandidateError::Expected(what)),
        };
        let kind = if self.kind.is_empty() {
            "host"
        } else {
            &self.kind
        };
        let protocol = if self.protocol.is_empty() {
            "udp"
        } else {
            &self.protocol
        };
        let mut text = [
            one(&self.foundation, "a foundation")?,
            one(&self.component, "a component")?,
            one(protocol, "a transport")?.to_ascii_lowercase(),
            one(&self.priority, "a priority")?,
            one(&self.ip, "an address")?,
            one(&self.port, "a port")?,
            "typ".to_owned(),
            one(kind, "a type")?,
        ]
        .join(" ");
        let pairs = [
            ("raddr", self.rel_addr.as_deref()),
            ("rport", self.rel_port.as_deref()),
            ("tcptype", self.tcptype.as_deref()),
            ("generation", self.generation.as_deref().or(Some("0"))),
            (
                "network-id",
                self.network.as_deref().filter(|network| *network != "0"),
            ),
            ("ufrag", ufrag),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                text.push(' ');
                text.push_str(name);
                text.push(' ');
                text.push_str(&one(value, "a value for the extension")?);
            }
        }
        sdp::Candidate::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> IceUdp {
        let text = format!("<transport xmlns='{}' {text}</transport>", ns::ICE_UDP);
        IceUdp::read(&text.parse().unwrap())
    }

    #[test]
    fn candidate_passes_both_ways() {
        let text = "candidate:7 1 udp 16777215 192.0.2.7 5000 typ relay raddr 198.51.100.1 \
            rport 6000 generation 2 network-id 3";
        let candidate = sdp::Candidate::parse(text).unwrap();
        let ours = Candidate::of_sdp("0", &candidate);
        assert_eq!(ours.network.as_deref(), Some("3"));
        let back = ours.to_sdp(None).unwrap();
        assert_eq!(back, candidate);
        assert_eq!(Candidate::of_sdp("0", &back), ours);
        assert_ne!(Candidate::of_sdp("1", &back).id, ours.id);
        let named = ours.to_sdp(Some("abcd")).unwrap();
        assert_eq!(named.ufrag(), Some("abcd"));
    }

    #[test]
    fn spellings_of_monal_firefox_and_stanza_are_read() {
        let transport = read(
            "ufrag='a' pwd='b'><candidate component='1' foundation='4294967295' ip='x.local' \
             port='9' priority='1' protocol='UDP' type='host' rel_addr='0.0.0.0' rel_port='0'/>",
        );
        let candidate = transport.candidates[0].to_sdp(None).unwrap();
        assert!(candidate.is_mdns());
        assert_eq!(
            (candidate.raddr(), candidate.rport()),
            (Some("0.0.0.0"), Some(0))
        );
        assert_eq!(candidate.extension("generation"), Some("0"));
    }

    #[test]
    fn no_attribute_can_hold_two_words() {
        let mut one = Candidate::of_sdp(
            "0",
            &sdp::Candidate::parse("1 1 udp 1 192.0.2.1 9 typ host").unwrap(),
        );
        one.ip = "192.0.2.1 9 typ relay".to_owned();
        assert!(one.to_sdp(None).is_err());
        one.ip = "192.0.2.1".to_owned();
        one.generation = Some("0\r\na=x".to_owned());
        assert!(one.to_sdp(None).is_err());
    }

    #[test]
    fn options_and_what_came_earlier_are_kept() {
        let option = ns::ICE_OPTION;
        let print = format!(
            "<fingerprint xmlns='{}' hash='sha-1'>ab</fingerprint>",
            ns::DTLS
        );
        let earlier = read(&format!(
            "ufrag='a' pwd='b'>{print}<candidate ip='192.0.2.1'/>"
        ));
        let mut accept = read(&format!("ufrag='a' pwd='b'><trickle xmlns='{option}'/>"));
        accept.absorb(&earlier);
        assert!(accept.trickle && !accept.renomination);
        assert_eq!(accept.fingerprints, earlier.fingerprints);
        assert_eq!(accept.candidates.len(), 1);
        let mut other = read("ufrag='z' pwd='b'>");
        other.absorb(&earlier);
        assert!(other.candidates.is_empty(), "of another generation");
        let shown = format!("{accept:?}");
        assert!(!shown.contains("pwd"), "{shown}");
    }
}
