//! The namespaces of Jingle and of what calls use beside it.

/// XEP-0166: the session.
pub const JINGLE: &str = "urn:xmpp:jingle:1";
/// XEP-0166 §10: what errors say beyond the stanza.
pub const ERRORS: &str = "urn:xmpp:jingle:errors:1";
/// XEP-0353: what rings before there is a session.
pub const JINGLE_MESSAGE: &str = "urn:xmpp:jingle-message:0";
/// XEP-0334: what a server does with a message.
pub const HINTS: &str = "urn:xmpp:hints";
/// XEP-0167: audio and video by RTP.
pub const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
/// XEP-0167 §8: what is said of a session while it lasts.
pub const RTP_INFO: &str = "urn:xmpp:jingle:apps:rtp:info:1";
/// XEP-0176: ICE over UDP.
pub const ICE_UDP: &str = "urn:xmpp:jingle:transports:ice-udp:1";
/// What Conversations and Monal say of their ICE: trickling, renomination.
pub const ICE_OPTION: &str = "http://gultsch.de/xmpp/drafts/jingle/transports/ice-udp/option";
/// XEP-0320: fingerprints of certificates.
pub const DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";
/// XEP-0293: feedback messages of RTCP.
pub const RTCP_FB: &str = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0";
/// XEP-0294: header extensions of RTP.
pub const HDREXT: &str = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0";
/// XEP-0338: which contents belong together.
pub const GROUPING: &str = "urn:xmpp:jingle:apps:grouping:0";
/// XEP-0339: attributes of sources.
pub const SSMA: &str = "urn:xmpp:jingle:apps:rtp:ssma:0";
/// Stream and track of a content, as the client library `stanza` writes them.
pub const MSID: &str = "urn:xmpp:jingle:apps:rtp:msid:0";
/// XEP-0507: what a content shows.
pub const CATEGORY: &str = "urn:xmpp:jingle:apps:category:0";
