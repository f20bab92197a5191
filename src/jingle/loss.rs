//! [`Loss`]: what a description or a content says and the other side has no place for.
//!
//! Each is a decision, with its reason. `docs/interworking.md` prints them all, so that an operator
//! finds here and there the same sentence.

use std::fmt;

/// A kind of loss. Variants are in the order of the document: candidates and ICE, security,
/// sections, codecs, sources, the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// A candidate over TCP.
    TcpCandidate,
    /// A candidate of RTCP by itself.
    SecondComponent,
    /// An mDNS name.
    MdnsCandidate,
    /// A candidate that cannot be read.
    UnreadableCandidate,
    /// What browsers write behind a candidate for themselves.
    CandidateExtension,
    /// That no more candidates come.
    EndOfCandidates,
    /// What was nominated.
    RemoteCandidates,
    /// That only one side checks.
    IceLite,
    /// An ICE option.
    IceOption,
    /// Keys of SDES.
    Crypto,
    /// A DTLS role that waits.
    HoldConn,
    /// A section of data.
    DataSection,
    /// A section that is neither audio nor video by RTP.
    ForeignSection,
    /// A content that is no audio or video by RTP.
    ForeignDescription,
    /// A content that does not travel by ICE.
    ForeignTransport,
    /// A second content of the same name.
    RepeatedContent,
    /// A content of an answer that was not offered.
    UnknownContent,
    /// A group or a member of one.
    GroupMember,
    /// A payload type without a meaning.
    PayloadType,
    /// A payload type that depends on one that went.
    Dependent,
    /// A parameter with white space.
    ParameterWithBlank,
    /// A value alone beside named parameters.
    NamelessParameter,
    /// A parameter on a codec that does not have it.
    ForeignParameter,
    /// A time of a packet that differs between payload types.
    PacketTime,
    /// A feedback message.
    Feedback,
    /// A header extension that nobody may send, or that cannot be written.
    Extension,
    /// An attribute of a source without a value.
    SourceAttribute,
    /// A stream that no source belongs to.
    Stream,
    /// Several qualities at once.
    Simulcast,
    /// A bandwidth.
    Bandwidth,
    /// An attribute without a place in Jingle.
    Attribute,
    /// A line that is no attribute.
    SessionLine,
    /// A value that no line can hold.
    Unwritable,
}

/// A loss in one description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which kind.
    pub loss: Loss,
    /// The section, counted from 0; `None` for the session part.
    pub section: Option<usize>,
    /// The line or value that was left out. Never a key.
    pub what: String,
}

impl Lost {
    /// A loss.
    #[must_use]
    pub fn new(loss: Loss, section: Option<usize>, what: impl Into<String>) -> Self {
        Self {
            loss,
            section,
            what: what.into(),
        }
    }
}

/// `section 0: a=rid:h send: simulcast …`
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.section {
            Some(section) => write!(f, "section {section}: ")?,
            None => f.write_str("session: ")?,
        }
        write!(f, "{}: {}", self.what, self.loss.sentence())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Loss {
    /// All kinds, so that tables can be walked.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// A short name for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What is done.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.row().1
    }

    /// Why it is done so.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        let found = TABLE.iter().find(|row| row.0 == self);
        found.map_or(("", "", ""), |row| (row.1, row.2, row.3))
    }
}

/// Every kind: name, what is done, why.
const TABLE: [(Loss, &str, &str, &str); 33] = [
    (
        Loss::TcpCandidate,
        "tcp_candidate",
        "a candidate over TCP is left out",
        "XEP-0176 is ICE over UDP; Conversations ends the call for `tcp`. TURN over TCP is \
             a UDP candidate and passes.",
    ),
    (
        Loss::SecondComponent,
        "second_component",
        "a candidate of component 2 is left out",
        "RTP and RTCP share one port (`rtcp-mux`), as every browser and every Jingle \
             client that does DTLS has it.",
    ),
    (
        Loss::MdnsCandidate,
        "mdns_candidate",
        "a candidate with an mDNS name is left out",
        "Only another browser on the same link resolves it; libnice and the clients that \
             use it cannot. It passes where the peer is known to be a browser.",
    ),
    (
        Loss::UnreadableCandidate,
        "unreadable_candidate",
        "a candidate that cannot be read is left out",
        "One such line makes a browser refuse the whole description; the other candidates \
             may still connect.",
    ),
    (
        Loss::CandidateExtension,
        "candidate_extension",
        "an extension behind a candidate is left out",
        "XEP-0176 has places for `generation` and `network` alone. `network-cost` is a \
             browser's note to itself.",
    ),
    (
        Loss::EndOfCandidates,
        "end_of_candidates",
        "that no more candidates come is not told",
        "`ice-udp:1` has no word for it, and no client read waits for it.",
    ),
    (
        Loss::RemoteCandidates,
        "remote_candidates",
        "which candidates were nominated is not told",
        "ICE finds it out on both sides by itself.",
    ),
    (
        Loss::IceLite,
        "ice_lite",
        "that the author is ICE-lite is not told",
        "XEP-0176 has both sides full. A lite peer answers checks all the same, since the \
             full side takes the controlling role.",
    ),
    (
        Loss::IceOption,
        "ice_option",
        "an ICE option is left out",
        "Only `trickle` and `renomination` have an element, and only some clients read it; \
             Jingle trickles without being told.",
    ),
    (
        Loss::Crypto,
        "crypto",
        "keys of SDES are left out",
        "Keys of SDES and DTLS differ and cannot be mapped by text; only DTLS is spoken \
             with Jingle.",
    ),
    (
        Loss::HoldConn,
        "holdconn",
        "the DTLS role holdconn becomes passive",
        "XEP-0320 has no such role, and nobody opens the association then either.",
    ),
    (
        Loss::DataSection,
        "data_section",
        "a section of data is refused",
        "Calls between clients have none, and Conversations does not ring for a proposal \
             that holds more than RTP.",
    ),
    (
        Loss::ForeignSection,
        "foreign_section",
        "a section that is neither audio nor video by RTP is refused",
        "Text, fax and message sections have no description in any client.",
    ),
    (
        Loss::ForeignDescription,
        "foreign_description",
        "a content that describes no audio or video by RTP is refused",
        "A browser and a phone cannot take it.",
    ),
    (
        Loss::ForeignTransport,
        "foreign_transport",
        "a content that does not travel by ICE over UDP is refused",
        "Browsers have ICE alone, and every client that calls offers it.",
    ),
    (
        Loss::RepeatedContent,
        "repeated_content",
        "a second content of the same name is left out",
        "A content is found by its name alone, since clients differ in what they write as \
             its creator.",
    ),
    (
        Loss::UnknownContent,
        "unknown_content",
        "a content of an answer that was not offered is left out",
        "An answer has the sections of its offer and no other (RFC 3264 §6).",
    ),
    (
        Loss::GroupMember,
        "group_member",
        "a group, or a member of one that is no content, is left out",
        "A browser refuses a group that names what is not there.",
    ),
    (
        Loss::PayloadType,
        "payload_type",
        "a payload type without name or clock rate is left out",
        "A dynamic payload type means nothing without both (RFC 3551 §3).",
    ),
    (
        Loss::Dependent,
        "dependent",
        "retransmission or redundancy of a payload type that went is left out",
        "A browser refuses `apt` of a payload type that is not there (RFC 4588 §8.6).",
    ),
    (
        Loss::ParameterWithBlank,
        "parameter_with_blank",
        "a parameter with white space inside is left out",
        "Conversations ends the call for it; no codec in use has one.",
    ),
    (
        Loss::NamelessParameter,
        "nameless_parameter",
        "a value without a name beside named parameters is left out",
        "Conversations ends the call for it. Alone, as in telephone-event and red, it \
             passes.",
    ),
    (
        Loss::ForeignParameter,
        "foreign_parameter",
        "a parameter of H.264 on another codec is left out",
        "Monal writes its defaults on every codec, audio included.",
    ),
    (
        Loss::PacketTime,
        "packet_time",
        "a packet time that differs between payload types is left out",
        "A section has one `a=ptime` (RFC 8866 §6.4): the first counts, of `maxptime` the \
             least.",
    ),
    (
        Loss::Feedback,
        "feedback",
        "a feedback message that cannot be written is left out",
        "A word with white space would be two.",
    ),
    (
        Loss::Extension,
        "extension",
        "a header extension that nobody may send, or that cannot be written, is left out",
        "`none` is outside of the schema of XEP-0294; what nobody sends is not missed.",
    ),
    (
        Loss::SourceAttribute,
        "source_attribute",
        "an attribute of a source without a value is left out",
        "Conversations ends the call for it.",
    ),
    (
        Loss::Stream,
        "stream",
        "the stream of a section without sources is left out",
        "XEP-0339 has streams with sources alone; in a call of two, the section tells the \
             stream.",
    ),
    (
        Loss::Simulcast,
        "simulcast",
        "several qualities at once are left out",
        "No standard maps `a=rid` and `a=simulcast`; a browser whose offer is answered \
             without them sends one (RFC 8853 §5.3.2).",
    ),
    (
        Loss::Bandwidth,
        "bandwidth",
        "a bandwidth that is no number of a kind is left out",
        "A browser refuses the line.",
    ),
    (
        Loss::Attribute,
        "attribute",
        "an attribute without a place in Jingle is left out",
        "An unknown attribute never fails a call; RFC 8866 §5.13 has it ignored.",
    ),
    (
        Loss::SessionLine,
        "session_line",
        "a line that is no attribute is left out",
        "Jingle has no place for it; what a section needs is made anew.",
    ),
    (
        Loss::Unwritable,
        "unwritable",
        "a value that cannot stand in a line is left out",
        "A line end or blank inside a value would make another line or word of it.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_loss_has_its_own_name_sentence_and_reason() {
        let mut names = BTreeSet::new();
        for loss in Loss::all() {
            assert!(names.insert(loss.name()), "{loss:?}");
            assert!(names.insert(loss.sentence()), "{loss:?}");
            assert!(loss.reason().ends_with('.'), "{loss:?}");
        }
        assert_eq!(names.len(), 66);
    }

    #[test]
    fn a_loss_says_where_and_what() {
        let lost = Lost::new(Loss::Simulcast, Some(1), "a=rid:h send");
        let text = "section 1: a=rid:h send: several qualities at once are left out";
        assert_eq!(lost.to_string(), text);
        let lost = Lost::new(Loss::IceLite, None, "a=ice-lite");
        assert!(lost.to_string().starts_with("session: a=ice-lite: "));
    }
}
