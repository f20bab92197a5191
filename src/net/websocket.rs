//! WebSocket connections of clients: text in, text out, both bounded (RFC 6455).
//!
//! A connection is one task. What is to be written waits in a bounded queue; a client that does not
//! read in time, or whose queue is full, is closed: it stalls nobody.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::SinkExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::admission::Seat;
use super::{Arrival, Inbox};
use crate::gateway::Input;
use crate::ws::ConnectionId;

/// The WebSocket subprotocol that is spoken.
pub const SUBPROTOCOL: &str = "crosspoint.v1";

/// Bytes of each socket's read buffer: most of what an idle client costs. All frames but those with
/// a description fit; one of them takes a second read.
const READ_BUFFER: usize = 2 * 1024;

/// Bytes of frames that are collected before they are written: what one input sets going for a
/// client leaves in one write.
const WRITE_BUFFER: usize = 4 * 1024;

/// What the shell tells a connection's task.
#[derive(Debug)]
pub enum Write {
    /// Send this text.
    Text(String),
    /// Close with a code and a reason (RFC 6455 §7.4).
    Close(u16, String),
}

/// How much a connection may hold and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one frame.
    pub frame_max: usize,
    /// Frames that wait to be written.
    pub queue_max: usize,
    /// How long one write may take.
    pub write_deadline: Duration,
}

/// The writing end of a connection.
#[derive(Debug)]
pub struct Writer {
    queue: mpsc::Sender<Write>,
}

impl Writer {
    /// Queues something to be written. `false` when the queue is full: the client does not read.
    pub fn write(&self, write: Write) -> bool {
        self.queue.try_send(write).is_ok()
    }
}

/// Who has connected.
#[derive(Debug)]
pub struct Client {
    /// The connection.
    pub connection: ConnectionId,
    /// The address.
    pub peer: String,
    /// Its room.
    pub seat: Arc<Seat>,
}

/// Turns a request into a connection.
pub fn upgrade(
    upgrade: WebSocketUpgrade,
    client: Client,
    inbox: Inbox,
    limits: Limits,
) -> Response {
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_frame_size(limits.frame_max)
        // One more byte than a frame may have, so that the gateway sees and answers what is too
        // large; anything beyond ends the connection.
        .max_message_size(limits.frame_max)
        .on_upgrade(move |socket| run(socket, client, inbox, limits))
}

async fn run(mut socket: WebSocket, client: Client, inbox: Inbox, limits: Limits) {
    let Client {
        connection,
        peer,
        seat: _seat,
    } = client;
    let (queue, mut waiting) = mpsc::channel(limits.queue_max);
    inbox
        .put(Arrival::Connection {
            connection,
            writer: Writer { queue },
            peer,
        })
        .await;
    loop {
        tokio::select! {
            biased;
            write = waiting.recv() => {
                let Some(write) = write else { break };
                let sending = send(&mut socket, write, &mut waiting);
                if !matches!(timeout(limits.write_deadline, sending).await, Ok(Ok(true))) {
                    break;
                }
            },
            read = socket.recv() => match read {
                Some(Ok(Message::Text(text))) => {
                    let text = text.as_str().to_owned();
                    inbox.put(Input::WsText { connection, text }).await;
                }
                Some(Ok(Message::Binary(_))) => {
                    // RFC 6455 §7.4.1: data of a kind that is not accepted is answered with 1003.
                    let reason = "text frames only".into();
                    let close = Message::Close(Some(CloseFrame { code: 1003, reason }));
                    let _ = timeout(limits.write_deadline, socket.send(close)).await;
                    break;
                }
                // The library answers pings by itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    inbox.put(Input::WsClosed { connection }).await;
}

/// Sends what is to be written and all that waits behind it. Returns whether the connection stays.
async fn send(
    socket: &mut WebSocket,
    first: Write,
    waiting: &mut mpsc::Receiver<Write>,
) -> Result<bool, axum::Error> {
    let mut next = Some(first);
    while let Some(write) = next {
        match write {
            Write::Text(text) => socket.feed(Message::Text(text.into())).await?,
            Write::Close(code, reason) => {
                let reason = reason.into();
                let close = Message::Close(Some(CloseFrame { code, reason }));
                socket.send(close).await?;
                return Ok(false);
            }
        }
        next = waiting.try_recv().ok();
    }
    socket.flush().await?;
    Ok(true)
}
