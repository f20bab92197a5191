//! Hold and resume: seen in the directions of the two descriptions (RFC 3264 §8.4, RFC 6337 §5.3),
//! told to both sides as what flows and what is held.

use super::leg::Leg;
use super::signal::MediaFlow;
use crate::sdp::media_states;

/// What flows on each media section of `leg`, seen from its own peer; `None` until both sides have
/// described themselves.
#[must_use]
pub fn media_of(leg: &Leg) -> Option<Vec<MediaFlow>> {
    let (said, told) = (leg.said()?, leg.told()?);
    let states = media_states(said, told).into_iter();
    let flows = said.media().zip(states).map(|(media, state)| MediaFlow {
        mid: media.mid().map(str::to_owned),
        kind: media.kind().to_owned(),
        state,
    });
    Some(flows.collect())
}
