//! crosspoint: WebRTC peers use the connectivity a team already has.
//!
//! ```text
//!   wire           leg                middle                leg           wire
//!   JSON frame ─▶ ws::leg  ─┐                          ┌─▶ ws::leg  ─▶ JSON frame
//!   SIP message ▶ sip::leg ─┴─▶ Signal ─▶ call/ ─▶ Signal ┴─▶ sip::leg ─▶ SIP message
//!   └─────────────────────── gateway: all of it, no I/O ───────────────────────────┘
//!   └──── net: sockets, TLS, names, the clock. The only place that waits ──────────┘
//! ```
//!
//! Start with [`net::Shell::run`] (the loop), [`gateway::Gateway`] (what goes in and comes out) and
//! [`call::Call::handle`] (what a call is). `ARCHITECTURE.md` is the map.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        reason = "a test begins its virtual time now"
    )
)]

pub mod address;
pub mod ask;
pub mod call;
pub mod cli;
pub mod config;
pub mod contain;
pub mod demo;
pub mod gateway;
pub mod id;
pub mod jingle;
pub mod metrics;
pub mod net;
pub mod route;
pub mod sdp;
pub mod sip;
pub mod text;
pub mod trace;
pub mod ws;
pub mod xmpp;
