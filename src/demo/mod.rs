//! The demo's echo phone: a SIP endpoint of its own inside the process of `crosspoint demo`.
//!
//! It stands in for the phone that somebody who tries crosspoint does not have. The gateway
//! reaches it as it reaches any phone, by real SIP on loopback, and knows nothing of it but its
//! address; it shares no state with the gateway. It ends ICE and DTLS-SRTP itself and sends back
//! what it hears.
//!
//! ```text
//!   page ──JSON──▶ gateway ──SIP, loopback──▶ phone.rs, uas.rs ──▶ call.rs, media.rs
//!     ╰───────────────────── ICE, DTLS-SRTP: the sound ────────────────╯
//! ```
//!
//! - [`phone`]: its SIP sockets and its loop; [`uas`]: what it answers, pure;
//!   `dialog`: one call of it; [`wire`]: messages
//! - [`call`]: the sockets of one call; [`media`]: its ICE and DTLS-SRTP, pure
//! - [`description`]: what it reads in SDP and how it writes its own
//! - [`echo`]: the numbers of what is sent back
//! - [`interface`]: the addresses it offers
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the phone is a program of its own: it has sockets, tasks and time"
)]

pub mod call;
pub mod description;
mod dialog;
pub mod echo;
pub mod interface;
pub mod media;
pub mod phone;
pub mod uas;
pub mod wire;

pub use phone::Phone;

#[cfg(test)]
mod tests;
