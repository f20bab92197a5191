//! The media of one call: ICE, DTLS-SRTP, and the sound sent back.
//!
//! Pure: datagrams and the clock go in, datagrams and a time come out ([`super::call`] has the
//! sockets). The engine is `str0m`, in RTP mode: the phone decodes nothing.
//!
//! ```text
//!   Starting ──ICE and DTLS are up──▶ Flowing ──┐
//!      │                                        ├──▶ Ended(why)
//!      └────────── a timer, a failure ──────────┘
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::{Codec, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::description::{self, DescriptionError, Origin, Shape};
use super::echo::Echo;

/// Datagrams that may wait to be sent; more are lost, as UDP may lose any.
const LEAVING_MAX: usize = 256;

/// Sources that are heard at a time; the oldest is forgotten for a new one.
const SOURCES_MAX: usize = 8;

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The local address it leaves from: one of those the call was given.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To give up a call whose media never begins: 30 s, by when ICE has long failed.
    Start,
    /// To end a call that nothing is heard of while it is not held: 60 s.
    Silence,
    /// To end a call that somebody forgot: 1 h.
    Longest,
}

impl Timer {
    /// How long.
    #[must_use]
    pub fn duration(self) -> Duration {
        match self {
            Self::Start => Duration::from_secs(30),
            Self::Silence => Duration::from_secs(60),
            Self::Longest => Duration::from_secs(3600),
        }
    }
}

/// Why the media ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The phone's own wish: the call is over.
    #[error("the call is over")]
    Closed,
    /// A timer.
    #[error("the media timer {0:?} ran out")]
    Timer(Timer),
    /// The engine gave up.
    #[error("the media engine stopped: {0}")]
    Broken(String),
}

/// Why an offer or an answer was not taken. The call stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The peer's description.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// Nothing in common: the phone knows opus, PCMU, PCMA and G.722.
    #[error("the offer has no codec that the phone knows")]
    NoCodec,
    /// The engine does not take it.
    #[error("the media engine does not take the description: {0}")]
    Engine(String),
    /// An answer without an offer.
    #[error("there is no offer that this could answer")]
    NoOffer,
    /// No socket could be bound.
    #[error("no address to receive media at")]
    NoAddress,
}

/// How far the media has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Connecting, until then.
    Starting(Instant),
    /// Connected. Silence ends it then; `None` while it is held and silence is right.
    Flowing(Option<Instant>),
    /// Over.
    Ended(Why),
}

/// A media engine that receives at these addresses, and the first of them that it takes.
fn engine_at(locals: &[SocketAddr], now: Instant) -> (Rtc, Option<SocketAddr>) {
    let mut rtc = config().build(now);
    let mut default = None;
    for local in locals {
        let Ok(candidate) = Candidate::host(*local, Protocol::Udp) else {
            continue;
        };
        if rtc.add_local_candidate(candidate).is_some() {
            default.get_or_insert(*local);
        }
    }
    (rtc, default)
}

/// The media of one call.
#[derive(Debug)]
pub struct Media {
    rtc: Rtc,
    locals: Vec<SocketAddr>,
    /// Of the peer's certificate: another one is another engine at the other end.
    fingerprint: Option<String>,
    /// The engine's name for its one section, once there is one.
    mid: Option<Mid>,
    shape: Option<Shape>,
    origin: Origin,
    default: SocketAddr,
    offered: Option<SdpPendingOffer>,
    echo: Echo,
    heard: VecDeque<u32>,
    leaving: VecDeque<Datagram>,
    state: State,
    longest: Instant,
    engine_due: Instant,
}

impl Media {
    /// Media that receives at `locals`, the first of which becomes the default destination.
    ///
    /// # Errors
    /// [`MediaError::NoAddress`] where none of them can be a candidate.
    pub fn new(session: u64, locals: &[SocketAddr], now: Instant) -> Result<Self, MediaError> {
        let (rtc, default) = engine_at(locals, now);
        let mut media = Self {
            rtc,
            locals: locals.to_vec(),
            fingerprint: None,
            mid: None,
            shape: None,
            origin: Origin::new(session),
            default: default.ok_or(MediaError::NoAddress)?,
            offered: None,
            echo: Echo::default(),
            heard: VecDeque::new(),
            leaving: VecDeque::new(),
            state: State::Starting(now + Timer::Start.duration()),
            longest: now + Timer::Longest.duration(),
            engine_due: now,
        };
        media.drain(now);
        Ok(media)
    }

    /// Takes the peer's offer, the first or a later one, and gives the answer: complete, with
    /// all candidates.
    ///
    /// # Errors
    /// [`MediaError`]: 488 for an INVITE, and a call that goes on as it was for a re-INVITE.
    pub fn accept_offer(&mut self, text: &str, now: Instant) -> Result<String, MediaError> {
        let mid = self.mid.unwrap_or_else(|| Mid::from("0"));
        let read = description::read(text, &mid.to_string())?;
        let offer = SdpOffer::from_sdp_string(&read.narrow).map_err(engine)?;
        self.offered = None;
        self.follow(&read.narrow, now);
        let answer = self
            .rtc
            .sdp_api()
            .accept_offer(offer)
            .map_err(engine)?
            .to_sdp_string();
        self.mid = Some(mid);
        self.changed(now);
        let written = description::write(&answer, &read.shape, &mut self.origin, self.default);
        self.shape = Some(read.shape);
        written.ok_or(MediaError::NoCodec)
    }

    /// A page that was reloaded goes on with its call from a new engine, with another certificate:
    /// DTLS begins anew, on the same addresses (RFC 8842 §4).
    fn follow(&mut self, offer: &str, now: Instant) {
        let fingerprint = offer
            .lines()
            .find(|line| line.starts_with("a=fingerprint:"));
        let fingerprint = fingerprint.map(str::to_owned);
        let another = self.fingerprint.is_some() && self.fingerprint != fingerprint;
        self.fingerprint = fingerprint;
        if another && !matches!(self.state, State::Ended(_)) {
            (self.rtc, _) = engine_at(&self.locals, now);
            self.echo = Echo::default();
            self.state = State::Starting(now + Timer::Start.duration());
            self.engine_due = now;
            self.drain(now);
        }
    }

    /// Makes an offer, for an INVITE that brought none (RFC 3261 §13.2.1). A later one restarts
    /// ICE: the engine has no other way to offer what already is.
    ///
    /// # Errors
    /// [`MediaError::Engine`] where the engine makes none.
    pub fn offer(&mut self, now: Instant) -> Result<String, MediaError> {
        let mut changes = self.rtc.sdp_api();
        let mid = match self.mid {
            Some(mid) => {
                changes.ice_restart(true);
                mid
            }
            None => changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None),
        };
        let (offer, pending) = changes
            .apply()
            .ok_or_else(|| MediaError::Engine("nothing to offer".to_owned()))?;
        self.offered = Some(pending);
        self.mid = Some(mid);
        self.drain(now);
        let shape = self
            .shape
            .get_or_insert_with(|| Shape::audio(&mid.to_string()));
        let text = offer.to_sdp_string();
        description::write(&text, shape, &mut self.origin, self.default).ok_or(MediaError::NoCodec)
    }

    /// Takes the answer to [`Self::offer`].
    ///
    /// # Errors
    /// [`MediaError`]: the call is to be ended with a BYE.
    pub fn accept_answer(&mut self, text: &str, now: Instant) -> Result<(), MediaError> {
        let (Some(pending), Some(mid), Some(shape)) = (self.offered.take(), self.mid, &self.shape)
        else {
            return Err(MediaError::NoOffer);
        };
        let read = description::read(text, &mid.to_string())?;
        shape.fits(&read.shape)?;
        let answer = SdpAnswer::from_sdp_string(&read.narrow).map_err(engine)?;
        self.rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .map_err(engine)?;
        self.changed(now);
        Ok(())
    }

    /// Takes a datagram that arrived at `destination`. One that is not of this call is dropped.
    pub fn receive(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        let Ok(datagram) = Receive::new(Protocol::Udp, source, destination, bytes) else {
            return;
        };
        let input = Input::Receive(now, datagram);
        if matches!(self.state, State::Ended(_)) || !self.rtc.accepts(&input) {
            return;
        }
        self.expect_source(bytes);
        self.input(input, now);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        let over = match self.state {
            State::Starting(until) if now >= until => Some(Timer::Start),
            State::Flowing(Some(until)) if now >= until => Some(Timer::Silence),
            State::Starting(_) | State::Flowing(_) if now >= self.longest => Some(Timer::Longest),
            State::Starting(_) | State::Flowing(_) => None,
            State::Ended(_) => return,
        };
        match over {
            Some(timer) => self.end(Why::Timer(timer), now),
            None => self.input(Input::Timeout(now), now),
        }
    }

    /// Ends the media; what tells the peer waits to be sent.
    pub fn close(&mut self, now: Instant) {
        self.end(Why::Closed, now);
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Datagram> {
        self.leaving.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called. `None` when the media has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match self.state {
            State::Starting(until) | State::Flowing(Some(until)) => until.min(self.longest),
            State::Flowing(None) => self.longest,
            State::Ended(_) => return None,
        };
        Some(own.min(self.engine_due))
    }

    /// How far the media has come.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The engine hears only sources it was told of, and offers need not name them: a packet's
    /// source stands in the clear in its header (RFC 3550 §5.1, RFC 3711 §3.1).
    fn expect_source(&mut self, bytes: &[u8]) {
        // RTP by its first byte (RFC 7983 §7); not RTCP by its second (RFC 5761 §4).
        let [128..=191, kind, _, _, _, _, _, _, a, b, c, d, ..] = bytes else {
            return;
        };
        let ssrc = u32::from_be_bytes([*a, *b, *c, *d]);
        if (64..=95).contains(&(kind & 0x7f)) || self.heard.contains(&ssrc) {
            return;
        }
        let Some(mid) = self.mid.filter(|mid| self.rtc.media(*mid).is_some()) else {
            return;
        };
        let mut direct = self.rtc.direct_api();
        if self.heard.len() == SOURCES_MAX
            && let Some(oldest) = self.heard.pop_front()
        {
            direct.remove_stream_rx(oldest.into());
        }
        direct.expect_stream_rx(ssrc.into(), None, mid, None);
        self.heard.push_back(ssrc);
    }

    fn input(&mut self, input: Input<'_>, now: Instant) {
        match self.rtc.handle_input(input) {
            Ok(()) => self.drain(now),
            Err(error) => self.end(Why::Broken(error.to_string()), now),
        }
    }

    /// Takes all that the engine has to say, until it waits.
    fn drain(&mut self, now: Instant) {
        loop {
            let mut echoed = false;
            loop {
                match self.rtc.poll_output() {
                    Ok(Output::Timeout(due)) => {
                        self.engine_due = due;
                        break;
                    }
                    Ok(Output::Transmit(transmit)) => self.leave(Datagram {
                        source: transmit.source,
                        destination: transmit.destination,
                        bytes: transmit.contents.to_vec(),
                    }),
                    Ok(Output::Event(event)) => echoed |= self.event(event, now),
                    Err(error) => {
                        self.state = State::Ended(Why::Broken(error.to_string()));
                        return;
                    }
                }
            }
            // What was written leaves when the engine is next told the time: that is now.
            if !echoed || self.rtc.handle_input(Input::Timeout(now)).is_err() {
                return;
            }
        }
    }

    /// Whether something was written.
    fn event(&mut self, event: Event, now: Instant) -> bool {
        match event {
            Event::Connected => {
                if matches!(self.state, State::Starting(_)) {
                    self.state = State::Flowing(self.silence(now));
                }
                false
            }
            Event::RtpPacket(packet) => {
                if matches!(self.state, State::Flowing(_)) {
                    self.state = State::Flowing(self.silence(now));
                }
                self.send_back(packet, now)
            }
            Event::Closed => {
                // A page that is reloaded closes its end, and comes back with an offer; one that
                // does
                // not is let go when the time for a start is over.
                if matches!(self.state, State::Flowing(_)) {
                    self.state = State::Starting(now + Timer::Start.duration());
                }
                false
            }
            // ICE that is disconnected may come back, by itself or by a restart; if it does not,
            // the silence ends the call. The rest is of data channels, video and statistics.
            _ => false,
        }
    }

    fn send_back(&mut self, packet: RtpPacket, now: Instant) -> bool {
        let Some(mid) = self.mid else { return false };
        if !self
            .rtc
            .media(mid)
            .is_some_and(|media| media.direction().is_sending())
        {
            return false;
        }
        let header = &packet.header;
        let numbers = self
            .echo
            .number(*header.ssrc, *packet.seq_no, header.timestamp);
        let Some((sequence, time)) = numbers else {
            return false;
        };
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else {
            return false;
        };
        let write = RtpWrite::new(
            header.payload_type,
            sequence.into(),
            time,
            now,
            packet.payload,
        );
        stream.write_rtp(write.marker(header.marker));
        true
    }

    /// When silence ends the call: not while the peer holds it.
    fn silence(&self, now: Instant) -> Option<Instant> {
        let receives = self
            .mid
            .and_then(|mid| self.rtc.media(mid))
            .is_some_and(|media| media.direction().is_receiving());
        receives.then(|| now + Timer::Silence.duration())
    }

    /// After a description was taken.
    fn changed(&mut self, now: Instant) {
        if matches!(self.state, State::Flowing(_)) {
            self.state = State::Flowing(self.silence(now));
        }
        self.input(Input::Timeout(now), now);
    }

    fn leave(&mut self, datagram: Datagram) {
        if self.leaving.len() < LEAVING_MAX {
            self.leaving.push_back(datagram);
        } else {
            tracing::debug!("the echo phone's queue is full: a datagram is lost");
        }
    }

    fn end(&mut self, why: Why, now: Instant) {
        if matches!(self.state, State::Ended(_)) {
            return;
        }
        self.state = State::Ended(why);
        if self.rtc.close().is_ok() {
            self.drain(now);
        }
    }
}

fn config() -> RtcConfig {
    let mut config = Rtc::builder()
        .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
        .clear_codecs()
        .clear_extension_map()
        .set_rtp_mode(true)
        .enable_opus(true, false)
        .enable_pcmu(true, false)
        .enable_pcma(true, false)
        .enable_g722(true, false);
    let codecs = config.codec_config();
    for (pt, clock) in [
        (110, Frequency::FORTY_EIGHT_KHZ),
        (126, Frequency::EIGHT_KHZ),
    ] {
        // Key presses come back as they were heard (RFC 4733: all sixteen).
        let keys = FormatParams::parse_line("0-15");
        codecs.add_config(pt.into(), None, Codec::Tele, clock, None, keys);
    }
    config
}

fn engine(error: impl std::fmt::Display) -> MediaError {
    MediaError::Engine(error.to_string())
}
