//! Jingle (XEP-0166): sessions of audio and video between users of XMPP, without I/O.
//!
//! ```text
//!   <jingle/> ──read──▶ Jingle: Action, Content, Reason …      every attribute a text first,
//!             ◀─write──   │  ▲                                 what is not known is ignored
//!                         ▼  │
//!                      sdp::Sections: hear, apply, tell, changes
//!                         │  ▲                                 each loss is one of Loss
//!                         ▼  │
//!                      crate::sdp::SessionDescription
//! ```
//!
//! | XEP | what | file |
//! |---|---|---|
//! | 0166 | actions, contents, reasons, errors | `action`, `content`, `reason`, `refusal` |
//! | 0166 | sessions and their calls | `session`, `leg`, `agent` |
//! | 0167 | RTP descriptions, session-info | `rtp`, `info` |
//! | 0176 | ICE over UDP | `ice_udp` |
//! | 0293 | feedback messages | `feedback` |
//! | 0294 | header extensions | `hdrext` |
//! | 0320 | DTLS | `dtls` |
//! | 0338 | groups | `group` |
//! | 0339 | sources | `source` |
//! | 0353 | what rings before there is a session | `propose` |
//! | 0507 | what a content shows | `rtp` |
//!
//! Not done: XEP-0177 (raw UDP), 0262 (ZRTP), 0343 (data channels), `<encryption/>` of 0167 (SDES);
//! a content of theirs is refused, never the session. transport-replace and security-info are read
//! as actions and describe nothing.
//!
//! What arrives is hostile: [`Jingle::read`] is bounded by the limits of descriptions, and nothing
//! that is written into a line can hold a line end.

mod action;
pub mod agent;
mod content;
mod dtls;
mod error;
mod feedback;
mod group;
mod hdrext;
mod ice_udp;
mod info;
mod leg;
mod loss;
pub mod ns;
mod parameter;
mod print;
mod propose;
mod reason;
mod refusal;
mod rtp;
pub mod sdp;
mod session;
mod source;
mod tag;

pub use action::{Action, Jingle};
pub use agent::Agent;
pub use content::{Application, Content, Role, Senders, Transport};
pub use dtls::Fingerprint;
pub use error::{MapError, ReadError};
pub use feedback::Feedback;
pub use group::Group;
pub use hdrext::HeaderExtension;
pub use ice_udp::{Candidate, IceUdp};
pub use info::{ContentName, Info};
pub use loss::{Loss, Lost};
pub use parameter::Parameter;
pub use print::{find, parse, print};
pub use propose::{Ended, Initiation, Word};
pub use reason::{Condition, Phase, Reason};
pub use refusal::Refusal;
pub use rtp::{Description, PayloadType};
pub use source::{Source, SourceGroup};
