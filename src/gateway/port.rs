//! What goes into the gateway and what comes out of it.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::ask::{AskId, Question, Told};
use crate::ws::ConnectionId;
use crate::xmpp;

/// What arrives.
#[derive(Debug)]
pub enum Input {
    /// A client has connected; its origin was checked.
    WsOpened {
        /// The connection.
        connection: ConnectionId,
        /// Its address.
        peer: String,
    },
    /// A text frame.
    WsText {
        /// The connection.
        connection: ConnectionId,
        /// The frame.
        text: String,
    },
    /// A connection is gone.
    WsClosed {
        /// The connection.
        connection: ConnectionId,
    },
    /// A datagram for SIP.
    Datagram {
        /// The listener, by its place in the configuration.
        local: u16,
        /// Who sent it.
        remote: SocketAddr,
        /// What it holds.
        bytes: Bytes,
    },
    /// Somebody connected to a listener for SIP.
    StreamAccepted {
        /// The stream.
        stream: u64,
        /// The listener.
        local: u16,
        /// Who it is.
        remote: SocketAddr,
    },
    /// A stream is open: asked for by [`Output::Connect`], or accepted and past its hand-shake.
    StreamOpened {
        /// The stream.
        stream: u64,
    },
    /// Bytes of a stream.
    StreamBytes {
        /// The stream.
        stream: u64,
        /// The bytes, in order.
        bytes: Bytes,
    },
    /// A stream that was open is gone.
    StreamClosed {
        /// The stream.
        stream: u64,
    },
    /// A stream could not be opened.
    StreamFailed {
        /// The stream.
        stream: u64,
        /// Why, in words.
        reason: String,
    },
    /// A stream to a chat server is open, or has TLS now.
    XmppOpened {
        /// The stream.
        stream: u64,
    },
    /// Bytes of a stream to a chat server.
    XmppBytes {
        /// The stream.
        stream: u64,
        /// The bytes, in order.
        bytes: Bytes,
    },
    /// A stream to a chat server that was open is gone.
    XmppClosed {
        /// The stream.
        stream: u64,
    },
    /// A stream to a chat server could not be opened, or not secured.
    XmppFailed {
        /// The stream.
        stream: u64,
        /// Why, in words.
        reason: String,
    },
    /// The answer to a question.
    Told {
        /// The question.
        id: AskId,
        /// The answer.
        told: Told,
    },
    /// The process is to end: once drains, twice ends at once.
    Stop,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Send a text frame.
    WsText {
        /// The connection.
        connection: ConnectionId,
        /// The frame.
        text: String,
    },
    /// Close a connection.
    WsClose {
        /// The connection.
        connection: ConnectionId,
        /// The code (RFC 6455 §7.4).
        code: u16,
        /// The reason.
        reason: String,
    },
    /// Send a datagram.
    Datagram {
        /// The listener it goes out from.
        local: u16,
        /// Where it goes.
        remote: SocketAddr,
        /// What it holds.
        bytes: Bytes,
    },
    /// Write to a stream.
    StreamBytes {
        /// The stream.
        stream: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Open a stream.
    Connect {
        /// The number it is to have.
        stream: u64,
        /// Which address of ours it is to come from; `None` leaves it to the system.
        from: Option<IpAddr>,
        /// Where to.
        remote: SocketAddr,
        /// By TLS, to a server of this name.
        server_name: Option<String>,
    },
    /// Close a stream.
    StreamClose {
        /// The stream.
        stream: u64,
    },
    /// Open a stream to a chat server.
    XmppConnect {
        /// The number it is to have.
        stream: u64,
        /// Where to.
        remote: SocketAddr,
        /// Whether by TLS from the first byte, and how it is checked.
        security: xmpp::Security,
    },
    /// Write to a stream to a chat server.
    XmppBytes {
        /// The stream.
        stream: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Begin TLS on a stream to a chat server.
    XmppStartTls {
        /// The stream.
        stream: u64,
        /// How it is checked.
        security: xmpp::Security,
    },
    /// Close a stream to a chat server, once all is written.
    XmppClose {
        /// The stream.
        stream: u64,
    },
    /// Ask the outside.
    Ask {
        /// Names the question.
        id: AskId,
        /// The question.
        question: Question,
    },
    /// Everything has ended: the process may.
    Finished,
}
