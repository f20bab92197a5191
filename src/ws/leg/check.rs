//! What a client's description, candidate and digits must be.

use super::{Fault, Leg, Rules};
use crate::sdp::{AnswerFault, SessionDescription, Trickle, check_answer, check_browser};
use crate::ws::code::Code;
use crate::ws::frame::{CandidateInit, Description, DescriptionType, Detail};

/// Digits of one frame.
const DIGITS_MAX: usize = 32;

/// A description of the client: readable, and such as browsers make.
pub(in crate::ws) fn read(
    description: &Description,
    rules: Rules<'_>,
) -> Result<SessionDescription, Fault> {
    let bad = |rule: &str, message: String| Fault::of(Code::BadDescription, rule, message);
    let read = SessionDescription::parse(&description.sdp, rules.descriptions)
        .map_err(|wrong| bad(wrong.code(), wrong.to_string()))?;
    check_browser(&read).map_err(|wrong| bad(wrong.code(), wrong.to_string()))?;
    Ok(read)
}

/// A description that must be an offer.
pub(in crate::ws) fn read_offer(
    description: &Description,
    rules: Rules<'_>,
) -> Result<SessionDescription, Fault> {
    match description.kind {
        DescriptionType::Offer => read(description, rules),
        DescriptionType::Answer | DescriptionType::Pranswer | DescriptionType::Rollback => {
            Err(wrong_type("an offer is needed here"))
        }
    }
}

pub(super) fn wrong_type(message: &str) -> Fault {
    Fault::of(Code::BadDescription, "wrong_type", message)
}

impl Leg {
    /// An answer of the client: to the offer that waits for one, of the right type, and legal for
    /// that offer (RFC 3264 §6).
    pub(super) fn read_answer(
        &self,
        description: &Description,
        negotiation: Option<u64>,
        may_be_early: bool,
        rules: Rules<'_>,
    ) -> Result<SessionDescription, Fault> {
        let Some(owed) = self.exchange.ours() else {
            return Err(Fault::new(Code::BadState, "no offer waits for an answer"));
        };
        if let Some(number) = negotiation.filter(|number| *number != owed) {
            let message = format!("offer {number} is over, {owed} waits for an answer");
            return Err(Fault::new(Code::BadState, message));
        }
        match description.kind {
            DescriptionType::Answer => {}
            DescriptionType::Pranswer if may_be_early => {}
            DescriptionType::Pranswer => {
                return Err(wrong_type("the answer is to be final here"));
            }
            DescriptionType::Offer | DescriptionType::Rollback => {
                return Err(wrong_type("an answer is needed here"));
            }
        }
        let answer = read(description, rules)?;
        match self.told.as_ref().map(|offer| check_answer(offer, &answer)) {
            Some(Err(wrong)) => Err(bad_answer(&wrong)),
            Some(Ok(())) | None => Ok(answer),
        }
    }

    /// A candidate of the client. One that comes before any description, or for a generation that
    /// is still to be described, is passed on: the middle keeps it for the description it is for.
    pub(super) fn read_candidate(
        &self,
        init: &CandidateInit,
        rules: Rules<'_>,
    ) -> Result<Trickle, Fault> {
        let bad = |wrong: crate::sdp::TrickleError| {
            Fault::of(Code::BadCandidate, wrong.code(), wrong.to_string())
        };
        let trickle = Trickle::new(
            init.candidate.as_deref(),
            init.sdp_mid.as_deref(),
            init.sdp_mline_index,
            init.username_fragment.as_deref(),
        )
        .map_err(bad)?;
        if self.candidates >= rules.candidates_max {
            let message = format!("a call may have {} candidates", rules.candidates_max);
            return Err(Fault::new(Code::TooManyCandidates, message));
        }
        let Some(said) = self.said.as_ref().filter(|_| !trickle.is_end_of_all()) else {
            return Ok(trickle);
        };
        match said.resolve(&trickle) {
            Ok(_) => Ok(trickle),
            Err(_) if is_of_tomorrow(said, &trickle) => Ok(trickle),
            Err(wrong) => Err(bad(wrong)),
        }
    }
}

/// Whether a candidate is of an ICE generation that the description does not know.
fn is_of_tomorrow(said: &SessionDescription, trickle: &Trickle) -> bool {
    trickle.generation().is_some_and(|generation| {
        said.media()
            .all(|media| media.ice_ufrag().is_some_and(|ufrag| ufrag != generation))
    })
}

fn bad_answer(wrong: &AnswerFault) -> Fault {
    let detail = match wrong {
        AnswerFault::NoCommonCodec { ours, theirs, .. } => Detail {
            code: wrong.code().to_owned(),
            ours: theirs.clone(),
            theirs: ours.clone(),
        },
        _ => Detail {
            code: wrong.code().to_owned(),
            ..Detail::default()
        },
    };
    Fault {
        code: Code::BadAnswer,
        detail: Some(detail),
        message: wrong.to_string(),
    }
}

/// The digits of DTMF, upper case (RFC 4733 §3.2).
pub(super) fn read_digits(digits: &str) -> Result<Vec<char>, Fault> {
    let known: Option<Vec<char>> = digits
        .chars()
        .map(|digit| digit.to_ascii_uppercase())
        .map(|digit| "0123456789ABCD*#".contains(digit).then_some(digit))
        .collect();
    let message = "expected 1 to 32 digits of 0-9, A-D, * and #";
    known
        .filter(|known| (1..=DIGITS_MAX).contains(&known.len()))
        .ok_or_else(|| Fault::new(Code::BadFrame, message))
}
