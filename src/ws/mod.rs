//! Browser legs: JSON frames over one WebSocket (`docs/protocol.md`).
//!
//! ```text
//!   client                               crosspoint
//!     │ hello {token}                        │  auth: who is it, what may he do
//!     │ ◀────────────────── welcome, sync    │  session: what outlives the connection
//!     │ call.create {to, description}        │
//!     │ ◀───────────────────────── result    │  accepted and recorded
//!     │ ◀────── call.ringing, call.accepted  │  leg: signals become events
//!     │ call.end                             │
//!     │ ◀───────────── result, call.ended    │
//! ```
//!
//! `frame` is the contract, `agent` the whole without I/O, `connection` one socket, `session` what
//! outlives it, `replay` what it keeps for a client that missed it, `leg` one call, `auth` who may
//! come in, `origin` which pages may connect, `code` the tables of codes and causes, `timer` all
//! that waits.
//!
//! Of RFC 6455 the handshake and the framing are in `net/`; here are its close codes (`code`) and
//! its origin check (`origin`). RFC 7519, RFC 7517 and RFC 8725 are cited in `auth`, where of
//! RFC 7517 encrypted keys are not done; of RFC 7662 only the member `active` is read. RFC 9429 and
//! RFC 3264 are cited in `frame` and `leg`, RFC 4733 for the alphabet of digits.

mod agent;
pub mod auth;
pub mod code;
mod connection;
pub mod frame;
mod leg;
pub mod origin;
mod replay;
mod session;
mod timer;

pub use self::agent::{Agent, Call, Counts, Event, Invitee, Refused, Sent};
pub use self::connection::ConnectionId;
pub use self::session::SessionId;
