//! XML namespaces, each with the document that defines it.

/// Stanzas of clients (RFC 6120 §4.8.3). Inside the gateway all stanzas are in this one.
pub const CLIENT: &str = "jabber:client";
/// Stanzas of components on the wire (XEP-0114 §3).
pub const COMPONENT: &str = "jabber:component:accept";
/// The stream (RFC 6120 §4.8.1).
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
/// Conditions of stream errors (RFC 6120 §4.9.2).
pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// Conditions of stanza errors (RFC 6120 §8.3.2).
pub const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// STARTTLS (RFC 6120 §5).
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// SASL (RFC 6120 §6).
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// Resource binding (RFC 6120 §7).
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// Stream management (XEP-0198).
pub const MANAGEMENT: &str = "urn:xmpp:sm:3";
/// Copies of what an account's other clients send and get (XEP-0280).
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// Receipts of messages (XEP-0184).
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// Servers for media (XEP-0215).
pub const EXTDISCO: &str = "urn:xmpp:extdisco:2";
/// Pings (XEP-0199).
pub const PING: &str = "urn:xmpp:ping";
/// What an entity can do (XEP-0030).
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// What an entity has (XEP-0030).
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// What an entity can do, as a hash in its presence (XEP-0115).
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// The same, with hashes that can be chosen (XEP-0390).
pub const CAPS2: &str = "urn:xmpp:caps";
/// Sessions (XEP-0166).
pub const JINGLE: &str = "urn:xmpp:jingle:1";
/// Sessions of RTP (XEP-0167).
pub const JINGLE_RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
/// ICE over UDP (XEP-0176).
pub const JINGLE_ICE: &str = "urn:xmpp:jingle:transports:ice-udp:1";
/// DTLS-SRTP (XEP-0320).
pub const JINGLE_DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";
/// What rings before there is a session (XEP-0353).
pub const JINGLE_MESSAGE: &str = "urn:xmpp:jingle-message:0";
