//! Candidates: what a description still lacks, and for how long it is worth waiting.
//!
//! A browser trickles always (RFC 8838). Towards a peer that does not, its description waits: until
//! a candidate is there that will probably do (reflexive or relayed), until gathering has ended, or
//! until the time for gathering is over. `leg.rs` holds what waits; `Timer::Gather` ends it.

use crate::sdp::{Candidate, CandidateType, SessionDescription, Transport};

/// How far gathering is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gathered {
    /// Gathering has ended and no candidate could work.
    CompleteWithout,
    /// No candidate yet that could work.
    Nothing,
    /// One that could work.
    Workable,
    /// One that very probably will.
    Good,
    /// All there will be.
    Complete,
}

/// How far the gathering of a description is.
#[must_use]
pub fn gathered(description: &SessionDescription) -> Gathered {
    let candidates = || description.media().flat_map(|media| media.candidates());
    let workable = candidates().any(|candidate| could_work(&candidate));
    let uses_ice = description.media().any(|media| media.ice_ufrag().is_some());
    if !uses_ice {
        return Gathered::Complete;
    }
    match (description.is_gathering_complete(), workable) {
        (true, true) => Gathered::Complete,
        (true, false) => Gathered::CompleteWithout,
        (false, _) if candidates().any(|candidate| will_probably_do(&candidate)) => Gathered::Good,
        (false, true) => Gathered::Workable,
        (false, false) => Gathered::Nothing,
    }
}

/// Whether somebody outside the browser's own link could reach it: UDP and a real address.
fn could_work(candidate: &Candidate) -> bool {
    candidate.transport() == Transport::Udp && !candidate.is_mdns()
}

/// Whether it was seen from outside or is relayed.
fn will_probably_do(candidate: &Candidate) -> bool {
    could_work(candidate) && candidate.typ() != CandidateType::Host
}
