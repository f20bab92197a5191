//! The kinds of a candidate: transport, type, who opens a TCP connection, and where it is.

use std::net::IpAddr;

/// The transport of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP (RFC 6544).
    Tcp,
}

/// The type of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateType {
    /// An address of an interface.
    Host,
    /// What a STUN server saw.
    ServerReflexive,
    /// What a peer saw.
    PeerReflexive,
    /// An address at a TURN server.
    Relay,
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpType {
    /// Opens.
    Active,
    /// Waits.
    Passive,
    /// Both open at once.
    SimultaneousOpen,
}

/// Where a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateAddress<'a> {
    /// An address literal.
    Ip(IpAddr),
    /// A name that only the link of its browser resolves: `<uuid>.local`.
    Mdns(&'a str),
}

impl CandidateType {
    /// As written behind `typ`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relay => "relay",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [
            Self::Host,
            Self::ServerReflexive,
            Self::PeerReflexive,
            Self::Relay,
        ]
        .into_iter()
        .find(|typ| typ.as_str().eq_ignore_ascii_case(name))
    }
}

impl TcpType {
    /// As written behind `tcptype`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::SimultaneousOpen]
            .into_iter()
            .find(|tcp_type| tcp_type.as_str().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_without_regard_to_case() {
        for typ in ["host", "srflx", "prflx", "relay"] {
            let read = CandidateType::from_name(&typ.to_ascii_uppercase());
            assert_eq!(read.map(CandidateType::as_str), Some(typ));
        }
        for tcp_type in ["active", "passive", "so"] {
            let read = TcpType::from_name(tcp_type);
            assert_eq!(read.map(TcpType::as_str), Some(tcp_type));
        }
        assert_eq!(CandidateType::from_name("magic"), None);
    }
}
