//! What an oracle says when something does not hold. Each has a name, and at least one mutation in
//! `tests/mutations` that makes it speak.

use std::collections::BTreeMap;
use std::fmt;

/// Who complains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oracle {
    /// Each call ends; each leg is told so once; nothing but protocol tail follows.
    Ends,
    /// When all is quiet nothing is left of any call.
    Quiet,
    /// What one peer gave, another was told, or it was refused, or the call ended.
    Conserved,
    /// One outstanding offer; each gets one answer or refusal, and one that fits.
    OneOffer,
    /// An established call ends because of a peer, a timer or a transport.
    Cause,
    /// What the peers believe of each other agrees once all is quiet.
    Agreement,
    /// One input causes few outputs, of the kinds that there can be.
    Bounded,
    /// No timer lies in the past, and the run comes to rest.
    Clock,
    /// No `error!`, no panic, nothing private in the log.
    Silent,
    /// The same seed says the same, byte for byte.
    SameSeed,
    /// Each cell of the call's table that honest peers can reach is reached.
    Reached,
    /// What an honest client asks for is not refused but for a crossing.
    Honest,
    /// Each request of a chat user has exactly one answer, in time.
    Answered,
    /// What a session's messages name is what both ends know by that name.
    Named,
    /// Both ends of a call have the same sections, and agree on who sends in each.
    Contents,
}

impl Oracle {
    /// The name that a mutation's header and a failure have for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Quiet => "quiet",
            Self::Conserved => "conserved",
            Self::OneOffer => "one-offer",
            Self::Cause => "cause",
            Self::Agreement => "agreement",
            Self::Bounded => "bounded",
            Self::Clock => "clock",
            Self::Silent => "silent",
            Self::SameSeed => "same-seed",
            Self::Reached => "reached",
            Self::Honest => "honest",
            Self::Answered => "answered",
            Self::Named => "named",
            Self::Contents => "contents",
        }
    }
}

/// All that was complained of.
#[derive(Default)]
pub(super) struct Complaints(Vec<(Oracle, String)>);

impl Complaints {
    pub(super) fn add(&mut self, oracle: Oracle, what: impl Into<String>) {
        self.0.push((oracle, what.into()));
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }

    /// Who complained.
    pub(super) fn oracles(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(oracle, _)| oracle.name())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = BTreeMap::new();
        for (oracle, what) in &self.0 {
            let times: &mut u32 = said.entry(oracle).or_default();
            *times += 1;
            if *times <= 2 {
                writeln!(f, "  [{}] {what}", oracle.name())?;
            }
        }
        Ok(())
    }
}
