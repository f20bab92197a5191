//! What an XMPP stream waits for, and why.

use std::fmt;

/// What a deadline is for. Each default is that of its key in `[xmpp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// When to try again after a loss: 1 s, doubled each time up to 60 s, each shortened by up to
    /// half at random, so that a server that comes back is not met by everybody at once; 300 s
    /// where a secret was refused.
    Retry,
    /// When to give a login up: 15 s from the connection.
    Login,
    /// When to send a blank, so that nothing on the way forgets the connection: 30 s without a byte
    /// of ours (RFC 6120 §4.6.1).
    KeepAlive,
    /// When to ask whether the server lives: 60 s without a byte of its own (XEP-0199).
    Ping,
    /// When to take it for dead: 15 s after that.
    Silence,
    /// When to tell that a request got no answer: 30 s.
    Request,
    /// When to give back a stanza that waits for the stream: 30 s.
    Queue,
}

impl Timer {
    /// The reason, as `poll_timeout` gives it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Retry => "another attempt at a chat server",
            Self::Login => "the end of a login at a chat server",
            Self::KeepAlive => "a chat server's keep-alive",
            Self::Ping => "a chat server's ping",
            Self::Silence => "a chat server's silence",
            Self::Request => "the answer to a request over XMPP",
            Self::Queue => "stanzas that wait for their stream",
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}
