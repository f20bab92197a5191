//! Hold: as a direction (RFC 3264 §8.4), as the old zero address, and as a summary for people.

use super::{Direction, Media, SessionDescription};

/// What flows in one section and who holds whom. *Here* is the writer of the local description.
///
/// Who is held by `sendonly` answers `recvonly` and holds nobody; who is held by `inactive` must
/// answer `inactive` (RFC 3264 §6.1), which cannot be told from a hold of his own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaState {
    /// This side takes nothing from the other.
    pub held_here: bool,
    /// The other side takes nothing from this one.
    pub held_there: bool,
    /// This side sends and the other takes it.
    pub sending: bool,
    /// The other side sends and this one takes it.
    pub receiving: bool,
}

/// The state of each section of a session: what one side said last and the other side answered.
/// A section that one side rejected flows nowhere and is held by nobody.
#[must_use]
pub fn media_states(local: &SessionDescription, remote: &SessionDescription) -> Vec<MediaState> {
    let pairs = local.media().zip(remote.media());
    pairs.map(|(here, there)| state(&here, &there)).collect()
}

fn state(here: &Media<'_>, there: &Media<'_>) -> MediaState {
    if here.is_rejected() || there.is_rejected() {
        return MediaState::default();
    }
    // Data channels have no direction: they flow.
    if !here.is_rtp() {
        return MediaState {
            sending: true,
            receiving: true,
            ..MediaState::default()
        };
    }
    let (here, there) = (here.flow(), there.flow());
    let sending = here.sends() && there.receives();
    let receiving = there.sends() && here.receives();
    MediaState {
        held_here: here.is_held_by_sender(),
        held_there: there.is_held_by_sender(),
        sending,
        receiving,
    }
}

impl Media<'_> {
    /// The direction with a hold of the old kind read into it.
    #[must_use]
    pub fn flow(&self) -> Direction {
        match (self.is_legacy_hold(), self.direction()) {
            (true, direction) => Direction::of(direction.sends(), false),
            (false, direction) => direction,
        }
    }

    /// Whether the section holds by a zero address, as RFC 2543 did (RFC 3264 §8.4). Port 9 with
    /// ICE is the placeholder of a section that trickles (RFC 8840) and no hold.
    #[must_use]
    pub fn is_legacy_hold(&self) -> bool {
        let zero = matches!(self.connection_address(), Some("0.0.0.0" | "::" | "0::0"));
        let placeholder =
            self.port() == 9 && (self.has_ice_option("trickle") || self.ice_ufrag().is_some());
        zero && self.is_rtp() && self.port() != 0 && !placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, sdp};

    fn of(here: &str, there: &str) -> (bool, bool, bool, bool) {
        let ice = "a=ice-ufrag:abcd\n";
        let states = media_states(
            &audio(&format!("{ice}a={here}\n")),
            &audio(&format!("{ice}a={there}\n")),
        );
        let state = states[0];
        (
            state.held_here,
            state.held_there,
            state.sending,
            state.receiving,
        )
    }

    #[test]
    fn hold_is_seen_from_both_sides() {
        assert_eq!(of("sendrecv", "sendrecv"), (false, false, true, true));
        assert_eq!(of("sendonly", "recvonly"), (true, false, true, false));
        assert_eq!(of("recvonly", "sendonly"), (false, true, false, true));
        assert_eq!(of("inactive", "inactive"), (true, true, false, false));
        assert_eq!(of("recvonly", "inactive"), (false, true, false, false));
    }

    #[test]
    fn a_zero_address_holds_unless_it_trickles() {
        let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n";
        let legacy = |port: u16, rest: &str| {
            let text = format!("{head}m=audio {port} RTP/AVP 0\nc=IN IP4 0.0.0.0\n{rest}");
            sdp(&text).media().any(|media| media.is_legacy_hold())
        };
        assert!(legacy(4000, ""));
        assert!(legacy(4000, "a=ice-options:trickle\n"));
        assert!(legacy(9, ""));
        assert!(!legacy(9, "a=ice-options:trickle\n"));
        assert!(!legacy(9, "a=ice-ufrag:abcd\n"));
        assert!(!legacy(0, ""));
    }
}
