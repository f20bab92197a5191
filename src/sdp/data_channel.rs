//! [`DataChannel`]: SCTP over DTLS (RFC 8841).

use super::Media;
use super::text::number;

/// What a data-channel section says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataChannel {
    /// The SCTP port (RFC 8841 §5).
    pub sctp_port: u16,
    /// The largest message the writer takes, in bytes; 0 for any (RFC 8841 §6).
    pub message_size_max: u64,
}

impl Media<'_> {
    /// The data channel of an `application` section, in the new form or the older `a=sctpmap`.
    #[must_use]
    pub fn data_channel(&self) -> Option<DataChannel> {
        let port = self
            .attribute("sctp-port")
            .and_then(|port| number(port.trim_ascii()));
        let older = || number(self.attribute("sctpmap")?.split_ascii_whitespace().next()?);
        let size = self.attribute("max-message-size");
        Some(DataChannel {
            sctp_port: port.or_else(older)?,
            // RFC 8841 §6: 64K where nothing is said.
            message_size_max: size.and_then(|s| number(s.trim_ascii())).unwrap_or(65536),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::{audio, capture};

    #[test]
    fn port_and_size_are_read_in_both_forms() {
        let offer = capture("chrome-data-offer-gathered");
        let channel = offer.media_at(0).unwrap().data_channel().unwrap();
        assert_eq!(
            (channel.sctp_port, channel.message_size_max),
            (5000, 262_144)
        );
        let older = audio("a=sctpmap:5001 webrtc-datachannel 256\n");
        let channel = older.media_at(0).unwrap().data_channel();
        assert_eq!(channel.map(|c| c.sctp_port), Some(5001));
        assert_eq!(audio("").media_at(0).unwrap().data_channel(), None);
    }
}
