//! The browser of these tests: an engine that offers audio, speaks and listens.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::demo::media::Datagram;

/// The browser: an engine that offers audio and listens.
pub(super) struct Caller {
    pub(super) rtc: Rtc,
    pub(super) mid: Mid,
    pub(super) sequence: u64,
    pub(super) connected: bool,
    pub(super) heard: Vec<(u8, Vec<u8>)>,
    pub(super) leaving: Vec<Datagram>,
}

impl Caller {
    /// A caller at `local`, its offer, and what waits for the answer.
    pub(super) fn offering(local: SocketAddr, now: Instant) -> (Self, String, SdpPendingOffer) {
        let mut rtc = Rtc::builder()
            .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).unwrap());
        let mut changes = rtc.sdp_api();
        let mid = changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = changes.apply().unwrap();
        let caller = Self {
            rtc,
            mid,
            sequence: 100,
            connected: false,
            heard: Vec::new(),
            leaving: Vec::new(),
        };
        (caller, offer.to_sdp_string(), pending)
    }

    pub(super) fn answered(&mut self, pending: SdpPendingOffer, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain();
    }

    pub(super) fn speak(&mut self, payload: &[u8], now: Instant) {
        let pt = {
            let media = self.rtc.media(self.mid).unwrap();
            media.remote_pts()[0]
        };
        let time = u32::try_from(self.sequence * 960).unwrap();
        let write = RtpWrite::new(pt, self.sequence.into(), time, now, payload);
        self.sequence += 1;
        self.rtc
            .direct_api()
            .stream_tx_by_mid(self.mid, None)
            .unwrap()
            .write_rtp(write);
        self.drain();
        self.receive_timeout(now);
    }

    pub(super) fn receive_timeout(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
    }

    pub(super) fn receive(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) {
        let received = Receive::new(Protocol::Udp, from, to, bytes).unwrap();
        self.rtc
            .handle_input(Input::Receive(now, received))
            .unwrap();
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => self.leaving.push(Datagram {
                    source: transmit.source,
                    destination: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                }),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::RtpPacket(packet)) => {
                    self.heard
                        .push((*packet.header.payload_type, packet.payload.to_vec()));
                }
                Output::Event(_) => {}
            }
        }
    }
}
