//! SIP: legs towards phones, PBXs and trunks.
//!
//! | what | document | where | not done |
//! |---|---|---|---|
//! | messages, transactions, calls | RFC 3261 | this folder | S/MIME, multicast, proxying |
//! | the Accepted states | RFC 6026 | `invite_client.rs`, `invite_server.rs` | |
//! | finding servers | RFC 3263, RFC 2782 | `locate.rs` | NAPTR |
//! | offer and answer | RFC 3264, RFC 6337 | `session.rs`, and `call/` | PRACK, UPDATE |
//! | digest | RFC 7616, RFC 8760 | `auth.rs`, `verify.rs`, `digest.rs` | `userhash` |
//! | responses through NAT | RFC 3581 | `header.rs`, `matching.rs` | |
//! | keep-alives | RFC 5626 §3.5.1 | `framing.rs`, `upkeep.rs` | outbound flows |
//! | reasons | RFC 3326 | `status.rs` | |
//! | asserted identity | RFC 3325 | `inbound.rs` | asserting our own |
//! | calls that cross | RFC 5407 | `session.rs`, `reoffer.rs` | |
//! | INFO | RFC 6086 | `session.rs`, `body.rs` | packages |
//! | text messages | RFC 3428 | `pager.rs`, `body.rs` | CPIM, IMDN, composing |
//! | early media | RFC 3960 | `uac.rs`, `uas.rs` | 100rel (RFC 3262) |
//!
//! A datagram goes up through `arrival` and `text` (bytes to message), `transaction` (whose is it,
//! was it there before), `inbound` or `answered` (which leg), `leg` (what does it mean); a request
//! of ours goes down through `placed` (which leg) and `outbound` (where to, how). RFC 2046,
//! RFC 3966, RFC 5922, RFC 6665 and RFC 768 are cited where they matter.

mod agent;
mod answered;
mod arrival;
pub mod auth;
pub mod body;
mod contact;
pub mod dialog;
pub mod digest;
pub mod flow;
pub mod framing;
pub mod handled;
pub mod header;
mod inbound;
pub mod invite_client;
pub mod invite_server;
pub mod leg;
pub mod locate;
mod matching;
pub mod message;
pub mod name;
pub mod non_invite_client;
pub mod non_invite_server;
mod outbound;
mod pager;
mod placed;
mod recorded;
mod redirect;
mod refused;
pub mod registration;
pub mod registrations;
mod reoffer;
mod reroute;
mod session;
mod sources;
mod state;
pub mod status;
mod strangers;
pub mod streams;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests;
pub mod text;
pub mod timer;
pub mod transaction;
pub mod trunk;
mod uac;
mod uas;
mod upkeep;
pub mod uri;
pub mod verify;

pub use self::agent::{AccountState, Agent, Call, Counts, Event, Incoming, Target};
pub use self::handled::{HANDLED, SUPPORTED, allow};
pub use self::pager::Paged;
pub use self::refused::Refused;
