//! [`Mended`]: what was repaired for a browser, each one sentence of the trace.

use std::fmt;

use super::{CandidateError, Direction, Setup};

/// Which side of an exchange a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It offers.
    Offer,
    /// It answers.
    Answer,
}

/// One repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// A line every description has was missing.
    AddedLine(&'static str),
    /// The lines of the session part were not in the order of the grammar.
    SortedSession,
    /// Lines of a kind that the grammar does not have in the session part.
    DroppedUnknownLine(String),
    /// The session name was empty or not ASCII.
    ReplacedName,
    /// The user in `o=` was not ASCII.
    ReplacedUser,
    /// A line that is not ASCII.
    DroppedForeignText(String),
    /// A section had no `c=`, nor had the session.
    AddedConnection(usize),
    /// A section had more than one `c=`.
    DroppedConnections(usize, usize),
    /// The address was no literal, or had a multicast suffix.
    RewroteConnection(String, String),
    /// The name of an attribute was not in lower case.
    LoweredName(String),
    /// A fingerprint in another spelling.
    SpelledFingerprint(String),
    /// A proto in lower case.
    RaisedProto(usize, String),
    /// What sections inherit was written for the session.
    PushedDown(Vec<String>),
    /// A candidate that cannot be read.
    DroppedCandidate(usize, CandidateError),
    /// An offer's section without a role.
    AddedSetup(usize),
    /// A role that cannot be used.
    RewroteSetup(usize, Setup, Setup),
    /// Mids in a group that no section has.
    DroppedUnknownMembers(Vec<String>),
    /// Rejected sections in a group of an answer.
    DroppedRejectedMembers(Vec<String>),
    /// A section without a mid beside others that have one.
    AddedMid(usize, String),
    /// A section that no browser takes.
    Placeholder(usize, String),
    /// A hold by address.
    LegacyHold(usize, Direction),
    /// A bandwidth that no browser reads.
    DroppedBandwidth(String),
    /// Keys of SDES.
    DroppedCrypto(usize),
    /// Header extensions under an identifier that is taken.
    DroppedExtmaps(usize),
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddedLine(line) => {
                write!(
                    f,
                    "added the missing line {line} (RFC 8866 §5; Chrome refuses without)"
                )
            }
            Self::SortedSession => {
                f.write_str("put the session's lines into the order of RFC 8866 §5")
            }
            Self::DroppedUnknownLine(line) => {
                write!(
                    f,
                    "dropped the line {line}, which is of no kind of RFC 8866 §5"
                )
            }
            Self::ReplacedName => f.write_str(
                "replaced the session name by - (Chrome refuses an empty one, Firefox non-ASCII)",
            ),
            Self::ReplacedUser => {
                f.write_str("replaced the user in o= by - (Firefox refuses non-ASCII)")
            }
            Self::DroppedForeignText(kind) => {
                write!(
                    f,
                    "dropped a line {kind} that is not ASCII (Firefox refuses it)"
                )
            }
            Self::AddedConnection(media) => {
                write!(
                    f,
                    "added c= to section {media} (RFC 8866 §5.7; Firefox refuses without)"
                )
            }
            Self::DroppedConnections(media, count) => {
                write!(
                    f,
                    "dropped {count} c= lines of section {media} (Firefox takes only one)"
                )
            }
            Self::RewroteConnection(from, to) => {
                write!(
                    f,
                    "rewrote c={from} to c={to} (browsers take only address literals)"
                )
            }
            Self::LoweredName(name) => {
                write!(
                    f,
                    "lowered the name of a={name} (browsers compare attribute names exactly)"
                )
            }
            Self::SpelledFingerprint(hash) => write!(
                f,
                "wrote the hash name {hash} in lower and its digits in upper case in a=fingerprint \
                 (RFC 8122 §5)"
            ),
            Self::RaisedProto(media, proto) => {
                write!(
                    f,
                    "raised the proto {proto} of section {media} (Chrome compares exactly)"
                )
            }
            Self::PushedDown(names) => write!(
                f,
                "moved {} from the session into the sections (browsers read some there only)",
                names.join(", ")
            ),
            Self::DroppedCandidate(media, why) => {
                write!(f, "dropped a candidate of section {media}: {why}")
            }
            Self::AddedSetup(media) => {
                write!(
                    f,
                    "added a=setup:actpass to section {media} (RFC 5763 §5; Firefox needs it)"
                )
            }
            Self::RewroteSetup(media, from, to) => write!(
                f,
                "rewrote a=setup:{from} to {to} of section {media} (RFC 5763 §5; browsers refuse)"
            ),
            Self::DroppedUnknownMembers(mids) => write!(
                f,
                "dropped {} from a=group, which no section has (Chrome refuses it)",
                mids.join(", ")
            ),
            Self::DroppedRejectedMembers(mids) => write!(
                f,
                "dropped the rejected {} from the BUNDLE group (RFC 9143 §7.3.3)",
                mids.join(", ")
            ),
            Self::AddedMid(media, mid) => write!(
                f,
                "gave section {media} the mid {mid} (Chrome makes up colliding ones otherwise)"
            ),
            Self::Placeholder(media, what) => write!(
                f,
                "put a rejected audio section in place of section {media}, {what} (Firefox refuses \
                 the whole offer otherwise)"
            ),
            Self::LegacyHold(media, direction) => write!(
                f,
                "read the zero address of section {media} as hold and wrote a={direction} \
                 (RFC 3264 §8.4; browsers do not read it so)"
            ),
            Self::DroppedBandwidth(value) => {
                write!(
                    f,
                    "dropped b={value}, which browsers refuse to read (RFC 8866 §5.8)"
                )
            }
            Self::DroppedCrypto(count) => {
                write!(
                    f,
                    "dropped {count} SDES keys (a browser uses DTLS; RFC 8827 §6.5)"
                )
            }
            Self::DroppedExtmaps(count) => write!(
                f,
                "dropped {count} header extensions whose identifier was taken (RFC 8285 §5)"
            ),
        }
    }
}
