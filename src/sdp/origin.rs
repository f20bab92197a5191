//! [`Origin`]: the `o=` line (RFC 8866 §5.2), and [`OwnedOrigin`]: the one a leg owns.

use std::net::IpAddr;

use super::SessionDescription;
use super::text::LineText;

/// The fields of an `o=` line, as written. Session id and version are numbers that may have more
/// digits than any integer here, so they stay text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user, `-` for none.
    pub username: &'a str,
    /// The session.
    pub session_id: &'a str,
    /// The version of its description.
    pub version: &'a str,
    /// `IN`.
    pub network_type: &'a str,
    /// `IP4` or `IP6`.
    pub address_type: &'a str,
    /// The address or name of the writer.
    pub address: &'a str,
}

impl SessionDescription {
    /// The `o=` line.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        let line = self.session_lines().find(|line| line.kind() == b'o');
        let mut fields = line
            .map_or("", |line| line.value())
            .split_ascii_whitespace();
        // The reader has counted six.
        let mut field = || fields.next().unwrap_or("-");
        Origin {
            username: field(),
            session_id: field(),
            version: field(),
            network_type: field(),
            address_type: field(),
            address: field(),
        }
    }

    /// Writes the `o=` line.
    pub fn set_origin(&mut self, origin: &Origin<'_>) {
        let fields = [
            origin.username,
            origin.session_id,
            origin.version,
            origin.network_type,
            origin.address_type,
            origin.address,
        ];
        // A blank inside a field would make seven of six.
        let fields = fields.map(|field| match field.split_ascii_whitespace().next() {
            Some(word) if word.len() == field.len() => word,
            _ => "-",
        });
        let line = LineText::of(format_args!("o={}", fields.join(" ")));
        match self.find(self.session_range(), |line| line.kind() == b'o') {
            Some(at) => self.replace_line(at, &line),
            None => self.insert_line(1, &line),
        }
    }
}

/// The `o=` line that a leg owns for the life of its dialog.
///
/// User, session id and address stay. The version grows by exactly 1 when, and only when, any
/// other byte differs from the body sent last (RFC 3264 §8): browsers count every offer and
/// answer up, and a peer would take each refresh for a new offer.
#[derive(Clone, Debug)]
pub struct OwnedOrigin {
    session_id: u64,
    version: u64,
    address: IpAddr,
    last: Option<SessionDescription>,
}

impl OwnedOrigin {
    /// Begins with the session id and the first version, both cut to 62 bits so that no peer's
    /// signed number overflows, and the address to show.
    #[must_use]
    pub fn new(session_id: u64, version: u64, address: IpAddr) -> Self {
        let mask = (1 << 62) - 1;
        Self {
            session_id: session_id & mask,
            version: version & mask,
            address,
            last: None,
        }
    }

    /// Writes this leg's `o=` into a body that is about to be sent. `true` where the body differs
    /// from the one sent last, so that its version grew, or it is the first.
    pub fn stamp(&mut self, body: &mut SessionDescription) -> bool {
        self.write(body);
        if self.last.as_ref() == Some(body) {
            return false;
        }
        if self.last.is_some() {
            self.version = self.version.saturating_add(1);
            self.write(body);
        }
        body.compact();
        self.last = Some(body.clone());
        true
    }

    /// The body sent last.
    #[must_use]
    pub fn last(&self) -> Option<&SessionDescription> {
        self.last.as_ref()
    }

    /// The version of the body sent last, or of the first to come.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, body: &mut SessionDescription) {
        body.set_origin(&Origin {
            username: "-",
            session_id: &self.session_id.to_string(),
            version: &self.version.to_string(),
            network_type: "IN",
            address_type: if self.address.is_ipv6() { "IP6" } else { "IP4" },
            address: &self.address.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture};

    #[test]
    fn the_version_grows_by_one_per_change_and_only_then() {
        let mut owned = OwnedOrigin::new(7, 41, IpAddr::from([192, 0, 2, 9]));
        let mut send = |name: &str| {
            let mut body = capture(name);
            let changed = owned.stamp(&mut body);
            assert_eq!(owned.last(), Some(&body));
            let origin = body.origin();
            assert_eq!((origin.username, origin.session_id), ("-", "7"));
            assert_eq!(origin.address, "192.0.2.9");
            (changed, origin.version.to_owned())
        };
        assert_eq!(
            send("chrome-p-audio-refresh-offer"),
            (true, "41".to_owned())
        );
        // A resume after a hold: Chrome's own version grew, the rest is the same.
        assert_eq!(
            send("chrome-p-audio-resume-offer"),
            (false, "41".to_owned())
        );
        assert_eq!(send("chrome-p-audio-hold-offer"), (true, "42".to_owned()));
        assert_eq!(send("chrome-p-audio-resume-offer"), (true, "43".to_owned()));
    }

    #[test]
    fn an_origin_keeps_its_six_fields() {
        let mut one = audio("");
        one.set_origin(&Origin {
            username: "a b\r\nc",
            address: "",
            ..capture("firefox-audio-offer-gathered").origin()
        });
        let line = one.lines().nth(1).map(|l| l.text().to_owned());
        assert_eq!(line.as_deref(), Some("o=- 4337194649655919180 0 IN IP4 -"));
    }
}
