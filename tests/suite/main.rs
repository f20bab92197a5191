//! One test binary: it links once and shares its parts.
//!
//! - `tidy`: imports, sizes, module docs, licences
//! - `scenarios`: ladders in `tests/scenarios`, on virtual time
//! - `sim`: honest peers, a network that loses, seeds and oracles
//! - `sip`: torture messages, another parser, timers, mutations
//! - `fuzz`: kept inputs and what chance makes of them, for every parser and the gateway
//! - `clients`: two clients of one gateway, through all of it
//! - `ladders`: what a ladder tells whoever looks for a fault
//! - `protocol`: the examples of `docs/protocol.md` and the schema beside it
//! - `command`: the command line, as a process
//! - `texts`: text messages between all three
//! - `golden`: descriptions as Jingle and back, and the document made of them
//! - `xep`: the examples of the XEPs
//! - `docs`: every example in `docs/` and `config/` is true
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed; its virtual time begins now"
)]

mod clients;
mod command;
mod describe;
mod dice;
mod docs;
mod fuzz;
mod golden;
mod ladders;
mod protocol;
mod scenarios;
mod sim;
mod sip;
mod texts;
mod tidy;
mod world;
mod xep;
mod xml;
