//! The whole gateway without I/O: what arrives goes in with the time, what is to be done comes out.
//!
//! ```text
//!   Input ─▶ ws::Agent  ─┐ Call, Signal  ┌─▶ call::Switchboard ─┐ Tell, Note, Ended
//!            sip::Agent ─┴───▶ route ────┘                      └─▶ the agent of the leg ─▶ Output
//!            xmpp::Agent ──▶ chat ──▶ jingle::Agent
//! ```
//!
//! One input, then `poll_output` until there is nothing left, then the next input or
//! `handle_timeout` at the time of `poll_timeout`. Nothing here waits; whoever needs the outside
//! says [`Output::Ask`] and hears [`Input::Told`]. With the same seed and the same inputs it gives
//! the same outputs, byte for byte.

mod chat;
mod fault;
mod legs;
mod place;
mod port;
mod report;
mod shedding;
mod text;
mod traced;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::legs::Legs;
pub use self::port::{Input, Output};
use self::shedding::Shedding;
use self::text::Texts;
use crate::call::signal::{Ending, Signal};
use crate::call::switchboard::{Command, Switchboard};
use crate::call::timer::Patience;
use crate::call::{Effect, cause::Cause};
use crate::config::Config;
use crate::id::{CallId, LegId, Source};
use crate::jingle;
use crate::metrics::Metrics;
use crate::route::DialPlan;
use crate::sip;
use crate::sip::flow::Flow;
use crate::trace::epoch::Epoch;
use crate::trace::store::{Limits, Store};
use crate::trace::{Entry, What, Wire};
use crate::ws;
use crate::xmpp;
use crate::xmpp::services::Services;

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// They are.
    Running,
    /// Running calls go on until they end or until then.
    Draining { until: Instant },
    /// Un-REGISTER and BYE are under way, until they are answered or until then.
    Leaving { until: Instant },
    /// Said so.
    Finished,
}

/// How long peers have to answer the last requests.
const LEAVE_AFTER: Duration = Duration::from_secs(3);

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    config: Config,
    ids: Source,
    life: Life,
    ws: ws::Agent,
    sip: sip::Agent,
    xmpp: xmpp::Agent,
    jingle: jingle::Agent,
    texts: Texts,
    /// Servers for media, of users' chat servers.
    services: Services,
    switchboard: Switchboard,
    plan: DialPlan,
    legs: Legs,
    joins: BTreeMap<String, CallId>,
    traces: Store,
    metrics: Metrics,
    shedding: Shedding,
    /// Faults of our own since something last went well.
    faults: u32,
    outputs: VecDeque<Output>,
}

impl Gateway {
    /// A gateway that has not begun.
    ///
    /// `sip_bound` holds the addresses of the SIP listeners in the order of the configuration,
    /// `unix` the seconds since 1970 at `now`.
    #[must_use]
    pub fn new(
        config: Config,
        sip_bound: &[SocketAddr],
        seed: [u8; 32],
        now: Instant,
        unix: Duration,
    ) -> Self {
        let patience = Patience {
            no_answer_after: config.call.no_answer,
            join_wait_after: config.call.join_wait,
            offer_unanswered_after: config.call.offer_unanswered,
        };
        let limits = Limits {
            calls_max: config.trace.memory_calls_max,
            bytes_max: config.trace.memory_bytes_max,
            call_bytes_max: config.trace.call_bytes_max,
        };
        Self {
            ids: Source::from_seed(seed),
            life: Life::Running,
            ws: ws::Agent::new(&config, now, unix),
            sip: sip::Agent::new(&config, sip_bound, now),
            xmpp: xmpp::Agent::new(&config, now),
            jingle: jingle::Agent::new(&config),
            texts: Texts::new(&config),
            services: Services::new(&config, now, unix),
            switchboard: Switchboard::new(patience, config.call.calls_max),
            plan: DialPlan::new(&config),
            legs: Legs::default(),
            joins: BTreeMap::new(),
            traces: Store::new(
                limits,
                Epoch::new(now, unix),
                config.trace.directory.is_some(),
            ),
            metrics: Metrics::default(),
            shedding: Shedding::new(config.shedding.delay_max),
            faults: 0,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Begins: registers the accounts that are kept here, looks after the trunks.
    pub fn begin(&mut self, now: Instant) {
        self.sip.begin(&self.config.account, &mut self.ids, now);
        self.settle(now);
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input, now: Instant) {
        self.work(now, |gateway| gateway.take(input, now));
    }

    fn take(&mut self, input: Input, now: Instant) {
        let xmpp = &mut self.xmpp;
        let (ws, sip, ids) = (&mut self.ws, &mut self.sip, &mut self.ids);
        match input {
            Input::WsOpened { connection, peer } => ws.open(connection, &peer, now),
            Input::WsText { connection, text } => ws.text(connection, &text, ids, now),
            Input::WsClosed { connection } => ws.closed(connection, now),
            Input::Datagram {
                local,
                remote,
                bytes,
            } => {
                sip.datagram(Flow::Udp { local, remote }, &bytes, ids, now);
            }
            Input::StreamAccepted {
                stream,
                local,
                remote,
            } => {
                sip.stream_accepted(stream, local, remote, now);
            }
            Input::StreamOpened { stream } => sip.stream_opened(stream, ids, now),
            Input::StreamBytes { stream, bytes } => sip.stream_bytes(stream, &bytes, ids, now),
            Input::StreamClosed { stream } => sip.stream_closed(stream, ids, now),
            Input::StreamFailed { stream, reason } => sip.stream_failed(stream, &reason, ids, now),
            Input::XmppOpened { stream } => xmpp.opened(stream, ids, now),
            Input::XmppBytes { stream, bytes } => xmpp.bytes(stream, &bytes, ids, now),
            Input::XmppClosed { stream } => xmpp.closed(stream, ids, now),
            Input::XmppFailed { stream, reason } => xmpp.failed(stream, &reason, ids, now),
            Input::Told { id, told } if legs::is_of_ws(id) => {
                ws.told(legs::inside(id), &told, ids, now);
            }
            Input::Told { id, told } if legs::is_of_xmpp(id) => {
                xmpp.told(legs::inside(id), &told, ids, now);
            }
            Input::Told { id, told } => sip.told(id, &told, ids, now),
            Input::Stop => self.stop(now),
        }
    }

    /// What is handled now has waited for this long outside: too long refuses new calls.
    pub fn waited(&mut self, waited: Duration, now: Instant) {
        let Some(shedding) = self.shedding.observe(waited, now) else {
            return;
        };
        match shedding {
            true => tracing::warn!(?waited, "too much to do: new calls are refused"),
            false => tracing::info!("new calls are taken again"),
        }
        self.ws.set_shedding(shedding);
        self.sip.set_shedding(shedding);
        self.jingle.set_shedding(shedding);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.work(now, |gateway| {
            gateway.switchboard.handle_timeout(now);
            gateway.ws.handle_timeout(now);
            gateway.sip.handle_timeout(&mut gateway.ids, now);
            if let Life::Draining { until } = gateway.life
                && until <= now
            {
                gateway.leave(now);
            }
            gateway.xmpp.handle_timeout(&mut gateway.ids, now);
            gateway.texts_due(now);
            gateway.services_due(now);
        });
    }

    /// When [`Gateway::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let life = match self.life {
            Life::Draining { until } => Some((until, "the end of draining")),
            Life::Leaving { until } => Some((until, "the last answers")),
            Life::Running | Life::Finished => None,
        };
        let calls = self.switchboard.poll_timeout();
        let agents = [
            self.ws.poll_timeout(),
            self.sip.poll_timeout(),
            self.xmpp.poll_timeout(),
        ];
        let texts = self.texts.poll_timeout();
        let services = self.services.poll_timeout();
        let services = services.map(|at| (at, "servers for media"));
        let all = agents.into_iter().chain([life, calls, texts, services]);
        all.flatten().min()
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether nothing is left of any call, on no wire and in the middle: for tests.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let middle = self.switchboard.is_empty() && self.legs.is_empty() && self.joins.is_empty();
        let agents = self.ws.is_idle() && self.sip.is_idle() && self.jingle.is_idle();
        middle && agents && self.texts.is_empty()
    }

    /// The number of the `count`th stream that was accepted.
    #[must_use]
    pub fn accepted_stream(count: u64) -> u64 {
        sip::streams::accepted_number(count)
    }

    // --- everything that one input sets going ---

    /// Carries events from agents to the middle and effects back until all are quiet.
    fn settle(&mut self, now: Instant) {
        loop {
            if let Some(event) = self.ws.poll_event() {
                self.ws_event(event, now);
            } else if let Some(event) = self.sip.poll_event() {
                self.sip_event(event, now);
            } else if let Some(event) = self.xmpp.poll_event() {
                self.xmpp_event(event, now);
            } else if let Some(event) = self.jingle.poll_event() {
                self.jingle_event(event, now);
            } else if let Some(effect) = self.switchboard.poll_effect() {
                self.effect(effect, now);
            } else {
                break;
            }
        }
        self.advance_life(now);
    }

    fn ws_event(&mut self, event: ws::Event, now: Instant) {
        match event {
            ws::Event::Send { connection, text } => {
                self.outputs.push_back(Output::WsText { connection, text });
            }
            ws::Event::Close {
                connection,
                code,
                reason,
            } => {
                self.outputs.push_back(Output::WsClose {
                    connection,
                    code,
                    reason,
                });
            }
            ws::Event::Ask { id, question } => {
                self.outputs.push_back(Output::Ask {
                    id: legs::of_ws(id),
                    question,
                });
            }
            ws::Event::Call(call) => self.ws_calls(call, now),
            ws::Event::Signal { leg, signal } => self.command(leg, signal, now),
            ws::Event::AddAccount {
                user,
                account,
                brought,
            } => {
                self.add_account(user, account, brought, now);
            }
            ws::Event::RemoveAccount { user, account } => {
                self.plan.take_back(&user, &account);
                self.sip
                    .remove_account(&(user, account), &mut self.ids, now);
            }
            ws::Event::Text(sent) => self.client_says(sent, now),
            ws::Event::TextOutcome { note, outcome } => self.text_came(note, outcome, now),
            ws::Event::Refused(refused) => self.ws_refused(&refused, now),
            ws::Event::Trace(entry) => self.trace(entry),
            ws::Event::Gone { leg } => self.gone(leg),
        }
    }

    fn sip_event(&mut self, event: sip::Event, now: Instant) {
        match event {
            sip::Event::Transmit { flow, bytes } => {
                let bytes = Bytes::from(bytes);
                self.outputs.push_back(match flow {
                    Flow::Udp { local, remote } => Output::Datagram {
                        local,
                        remote,
                        bytes,
                    },
                    Flow::Stream(stream) => Output::StreamBytes { stream, bytes },
                });
            }
            sip::Event::Connect {
                stream,
                from,
                remote,
                tls,
            } => {
                self.outputs.push_back(Output::Connect {
                    stream,
                    from,
                    remote,
                    server_name: tls,
                });
            }
            sip::Event::CloseStream { stream } => {
                self.outputs.push_back(Output::StreamClose { stream });
            }
            sip::Event::Ask { id, question } => {
                self.outputs.push_back(Output::Ask { id, question })
            }
            sip::Event::Call(call) => self.sip_calls(call, now),
            sip::Event::Signal { leg, signal } => self.command(leg, signal, now),
            sip::Event::AccountState(state) => self.account_state(state),
            sip::Event::TrunkState { trunk, reachable } => self.metrics.trunk(&trunk, reachable),
            sip::Event::Paged(paged) => self.phone_says(paged, now),
            sip::Event::TextOutcome { note, outcome } => self.text_came(note, outcome, now),
            sip::Event::Refused(refused) => self.sip_refused(&refused, now),
            sip::Event::Named { leg, name } => self.name_leg(leg, Wire::Sip, &name),
            sip::Event::Trace(entry) => self.trace(entry),
            sip::Event::Gone { leg } => self.gone(leg),
        }
    }

    fn command(&mut self, leg: LegId, signal: Signal, now: Instant) {
        self.switchboard.handle(Command { leg, signal }, now);
    }

    fn effect(&mut self, effect: Effect, now: Instant) {
        match effect {
            Effect::Tell(leg, signal) => self.tell(leg, signal, now),
            Effect::Note(leg, text) => {
                self.trace(Entry {
                    at: now,
                    leg: Some(leg),
                    what: What::Note(text),
                });
            }
            Effect::Ended(record) => {
                self.joins.retain(|_, call| *call != record.call);
                self.metrics.ended(&record);
                tracing::info!(call = %record.call, cause = %record.cause(), "the call has ended");
                self.trace_ended(&record);
            }
        }
    }

    // --- the end ---

    fn stop(&mut self, now: Instant) {
        match self.life {
            Life::Running => {
                self.life = Life::Draining {
                    until: now + self.config.call.drain,
                };
                self.ws.drain();
                self.sip.drain();
                self.jingle.drain();
            }
            Life::Draining { .. } => self.leave(now),
            Life::Leaving { .. } => self.life = Life::Leaving { until: now },
            Life::Finished => {}
        }
    }

    /// Ends what still runs: BYE, un-REGISTER, close.
    fn leave(&mut self, now: Instant) {
        let ending = Ending::by_gateway(Cause::Draining).because("the gateway is shut down");
        self.switchboard.end_all(&ending, now);
        self.life = Life::Leaving {
            until: now + LEAVE_AFTER,
        };
        self.settle_effects(now);
        self.texts_over(now);
        self.sip.shutdown(&mut self.ids, now);
        // The ends of sessions go before the stream does.
        while let Some(event) = self.jingle.poll_event() {
            self.jingle_event(event, now);
        }
        self.xmpp.shutdown(now);
    }

    /// Effects alone, so that a BYE is under way before the accounts are removed.
    fn settle_effects(&mut self, now: Instant) {
        while let Some(effect) = self.switchboard.poll_effect() {
            self.effect(effect, now);
        }
    }

    fn advance_life(&mut self, now: Instant) {
        match self.life {
            Life::Draining { .. } if self.switchboard.is_empty() => {
                self.leave(now);
                self.settle(now);
            }
            Life::Leaving { until } if until <= now || self.sip.is_quiet() => {
                self.ws.close_all();
                self.life = Life::Finished;
                while let Some(event) = self.ws.poll_event() {
                    self.ws_event(event, now);
                }
                self.traces.all_finished();
                self.outputs.push_back(Output::Finished);
            }
            Life::Running | Life::Draining { .. } | Life::Leaving { .. } | Life::Finished => {}
        }
    }
}
