//! The phone's end of a trunk over TCP: what is sent is cut anywhere, arrives in order, and is lost
//! where a connection breaks.

use std::collections::BTreeMap;

use crosspoint::gateway::{Gateway, Input};
use crosspoint::sip::framing::{Frame, Framer};

use super::complaint::Oracle;
use super::network::Happening;
use super::phone::PHONE;
use super::{Life, Run, phone};

/// The connections that there are.
#[derive(Default)]
pub(super) struct Streams {
    /// Those that are open, with what has come of the gateway on each.
    open: BTreeMap<u64, Framer>,
    /// How many the phone has opened.
    accepted: u64,
}

impl Run {
    /// The gateway wants a connection; now and then there is nobody.
    pub(super) fn stream_wanted(&mut self, stream: u64) {
        let at = self.now + self.dice.millis(5, 100);
        self.network.at(at, Happening::StreamOpens(stream));
    }

    pub(super) fn stream_opens(&mut self, stream: u64) {
        if self.dice.percent(5) {
            self.network.broke = true;
            let reason = "refused".to_owned();
            return self.input(Input::StreamFailed { stream, reason });
        }
        self.streams.open.insert(stream, Framer::new(100_000));
        self.input(Input::StreamOpened { stream });
    }

    /// The gateway has written to a connection.
    pub(super) fn stream_written(&mut self, stream: u64, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if text.starts_with("BYE") {
            self.byes.insert(phone::header(&text, "Call-ID"));
        }
        self.network
            .piece(&mut self.dice, self.now, stream, bytes, true);
    }

    /// A piece of what the gateway wrote arrives.
    pub(super) fn stream_brings(&mut self, stream: u64, bytes: &[u8]) {
        let Some(framer) = self.streams.open.get_mut(&stream) else {
            return;
        };
        framer.push(bytes);
        let mut texts = Vec::new();
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(fault) => {
                    let what = format!("the stream of the gateway cannot be cut: {fault}");
                    self.complaints.add(Oracle::Bounded, what);
                    break;
                }
            }
        }
        for text in texts {
            self.phone_hears(&text);
        }
    }

    /// The phone writes: on a connection that there is, else on one of its own.
    pub(super) fn stream_sends(&mut self, text: &str) {
        let text = text
            .replace(
                &format!("Via: SIP/2.0/UDP {PHONE}"),
                &format!("Via: SIP/2.0/TCP {PHONE}"),
            )
            .replace(
                &format!("Contact: <sip:1001@{PHONE}>"),
                &format!("Contact: <sip:1001@{PHONE};transport=tcp>"),
            );
        let open = self.streams.open.keys().next_back().copied();
        let stream = open.unwrap_or_else(|| {
            let stream = Gateway::accepted_stream(self.streams.accepted);
            self.streams.accepted += 1;
            self.streams.open.insert(stream, Framer::new(100_000));
            let (local, remote) = (1, PHONE.parse().unwrap());
            self.input(Input::StreamAccepted {
                stream,
                local,
                remote,
            });
            self.input(Input::StreamOpened { stream });
            stream
        });
        self.network
            .piece(&mut self.dice, self.now, stream, text.as_bytes(), false);
    }

    /// A piece of what the phone wrote arrives.
    pub(super) fn stream_takes(&mut self, stream: u64, bytes: Vec<u8>) {
        if self.streams.open.contains_key(&stream) {
            let bytes = bytes.into();
            self.input(Input::StreamBytes { stream, bytes });
        }
    }

    /// The gateway has closed a connection.
    pub(super) fn stream_closed(&mut self, stream: u64) {
        self.streams.open.remove(&stream);
    }

    /// All connections break; what is under way on them is lost.
    pub(super) fn streams_break(&mut self) {
        self.note("break", "");
        self.network.broke = true;
        let broken: Vec<u64> = self.streams.open.keys().copied().collect();
        self.streams.open.clear();
        for stream in broken {
            self.input(Input::StreamClosed { stream });
        }
        if self.life != Life::Finished && self.dice.percent(40) {
            let at = self.now + self.dice.millis(1000, 20_000);
            self.network.at(at, Happening::Breaks);
        }
    }
}
