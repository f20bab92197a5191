//! The transaction layer: what the four machines share (RFC 3261 §17). What belongs to which is
//! decided in `matching.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::flow::{Flow, OnStreams};
use super::invite_client::InviteClient;
use super::invite_server::InviteServer;
use super::matching::{Key, acknowledgement, back, client_key, response_key, server_key};
use super::message::{Message, Request, Response};
use super::name::Method;
use super::non_invite_client::NonInviteClient;
use super::non_invite_server::NonInviteServer;
use super::timer::Timers;

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub u64);

/// What a machine wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Pass what came to the user.
    PassUp,
    /// Send what was last sent again.
    SendAgain,
    /// Acknowledge a final response other than 2xx (RFC 3261 §17.1.1.3).
    Acknowledge,
    /// Nothing came in time; over.
    TimedOut,
    /// Over.
    End,
}

/// What the layer tells its user.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Send these bytes; `again` marks a retransmission of transaction `id`.
    Transmit {
        /// The way.
        flow: Flow,
        /// The message.
        bytes: Vec<u8>,
        /// Of which transaction.
        id: Option<TransactionId>,
        /// Whether it was sent before.
        again: bool,
    },
    /// A new request; a server transaction waits for [`Transactions::respond`].
    Request {
        /// The transaction.
        id: TransactionId,
        /// The request, its Via noted with where it came from.
        request: Box<Request>,
        /// The way it came.
        flow: Flow,
    },
    /// A response to a request of ours; each 2xx to an INVITE comes up, also from other branches.
    Response {
        /// The transaction.
        id: TransactionId,
        /// The response.
        response: Box<Response>,
        /// The way it came.
        flow: Flow,
    },
    /// An ACK for a 2xx, or for nothing that is known here.
    Ack {
        /// The ACK.
        request: Box<Request>,
        /// The way it came.
        flow: Flow,
    },
    /// A response that fits no transaction, such as a late 2xx.
    Stray {
        /// The response.
        response: Box<Response>,
        /// The way it came.
        flow: Flow,
    },
    /// Nothing came back in time (408, RFC 3261 §8.1.3.1).
    TimedOut {
        /// The transaction; it is over.
        id: TransactionId,
    },
    /// It has done its work and is over; the user may forget it, too.
    Ended {
        /// The transaction.
        id: TransactionId,
    },
    /// The flow broke before a final response.
    Failed {
        /// The transaction; it is over.
        id: TransactionId,
    },
}

/// No room for one more transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are too many transactions")]
pub struct Full;

#[derive(Debug)]
enum Machine {
    /// With the INVITE, for the ACK of a refusal, until there can be none.
    InviteClient(InviteClient, Option<Arc<Request>>),
    NonInviteClient(NonInviteClient),
    InviteServer(InviteServer),
    NonInviteServer(NonInviteServer),
}

#[derive(Debug)]
struct Transaction {
    machine: Machine,
    key: Key,
    flow: Flow,
    /// What was last sent; empty where nothing was.
    last: Vec<u8>,
    due_at: Option<Instant>,
}

/// All transactions.
#[derive(Debug)]
pub struct Transactions {
    timers: Timers,
    max: usize,
    last_id: u64,
    transactions: BTreeMap<TransactionId, Transaction>,
    keys: BTreeMap<Key, TransactionId>,
    due: BTreeSet<(Instant, TransactionId)>,
    /// Client ones alone: what a server owes finds another way when it is sent.
    on_streams: OnStreams,
    events: VecDeque<Event>,
}

impl Transactions {
    /// None yet; at most `max` at once.
    #[must_use]
    pub fn new(timers: Timers, max: usize) -> Self {
        Self {
            timers,
            max,
            last_id: 0,
            transactions: BTreeMap::new(),
            keys: BTreeMap::new(),
            due: BTreeSet::new(),
            on_streams: OnStreams::default(),
            events: VecDeque::new(),
        }
    }

    /// The timers' values.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.on_streams.is_empty()
    }

    /// Sends a request, whose topmost Via carries the branch, as a client transaction.
    ///
    /// # Errors
    /// [`Full`].
    pub fn send(
        &mut self,
        request: impl Into<Arc<Request>>,
        flow: Flow,
        now: Instant,
    ) -> Result<TransactionId, Full> {
        let request = request.into();
        let id = self.next_id()?;
        let reliable = flow.is_reliable();
        let key = client_key(&request);
        let bytes = request.to_bytes();
        let machine = match request.method {
            Method::Invite => Machine::InviteClient(
                InviteClient::start(&self.timers, reliable, now),
                Some(request),
            ),
            _ => Machine::NonInviteClient(NonInviteClient::start(&self.timers, reliable, now)),
        };
        self.add(
            id,
            Transaction {
                machine,
                key,
                flow,
                last: bytes.clone(),
                due_at: None,
            },
        );
        self.events.push_back(Event::Transmit {
            flow,
            bytes,
            id: Some(id),
            again: false,
        });
        self.renew(id);
        Ok(id)
    }

    /// Takes a message from the network. A new request that finds no room is `Err`: it is for the
    /// user to answer it without a transaction, or not at all.
    ///
    /// # Errors
    /// [`Full`].
    pub fn receive(&mut self, message: Message, flow: Flow, now: Instant) -> Result<(), Full> {
        match message {
            Message::Response(response) => self.receive_response(response, flow, now),
            Message::Request(request) => return self.receive_request(request, flow, now),
        }
        Ok(())
    }

    /// Answers a request. A response that comes too late for the machine is not sent.
    pub fn respond(&mut self, id: TransactionId, response: &Response, now: Instant) {
        let Some(transaction) = self.transactions.get_mut(&id) else {
            return;
        };
        let (timers, reliable) = (&self.timers, transaction.flow.is_reliable());
        let goes_out = match &mut transaction.machine {
            Machine::InviteServer(machine) => {
                machine.respond(response.status, timers, reliable, now)
            }
            Machine::NonInviteServer(machine) => {
                machine.respond(response.status, timers, reliable, now)
            }
            Machine::InviteClient(..) | Machine::NonInviteClient(_) => false,
        };
        if goes_out {
            let (flow, bytes) = (transaction.flow, response.to_bytes());
            transaction.last.clone_from(&bytes);
            self.events.push_back(Event::Transmit {
                flow,
                bytes,
                id: Some(id),
                again: false,
            });
        }
        self.renew(id);
    }

    /// The INVITE server transaction that a CANCEL is meant for (RFC 3261 §9.2).
    #[must_use]
    pub fn cancelled_by(&self, cancel: &Request) -> Option<TransactionId> {
        let key = server_key(cancel)?.of_invite();
        self.keys.get(&key).copied()
    }

    /// Drops a transaction without a word: a client one whose responses are no longer wanted, or a
    /// server one whose request is not worth an answer.
    pub fn forget(&mut self, id: TransactionId) {
        self.end(id);
    }

    /// The call of an INVITE of ours is over: it is not waited for for ever.
    pub fn abandon(&mut self, id: TransactionId, now: Instant) {
        if let Some(Transaction {
            machine: Machine::InviteClient(machine, _),
            ..
        }) = self.transactions.get_mut(&id)
        {
            machine.abandon(&self.timers, now);
            self.renew(id);
        }
    }

    /// Whether there is room for one more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.transactions.len() < self.max
    }

    /// A flow broke: what still waits on it has failed (RFC 3261 §17.1.4, §18.4). An INVITE that
    /// rings stays: its server may answer it over another one (RFC 3261 §18.2.2).
    pub fn flow_broke(&mut self, flow: Flow) {
        for id in self.on_stream(flow) {
            if self.transactions.get(&id).is_some_and(Transaction::waits) {
                self.end(id);
                self.events.push_back(Event::Failed { id });
            }
        }
    }

    /// The client transactions that go over a stream.
    #[must_use]
    pub fn on_stream(&self, flow: Flow) -> Vec<TransactionId> {
        self.on_streams.of(flow).collect()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            let Some(transaction) = self.transactions.get_mut(&id) else {
                continue;
            };
            transaction.due_at = None;
            let mut actions = Vec::new();
            match &mut transaction.machine {
                Machine::InviteClient(machine, _) => machine.timeout(now, &mut actions),
                Machine::NonInviteClient(machine) => {
                    machine.timeout(&self.timers, now, &mut actions);
                }
                Machine::InviteServer(machine) => machine.timeout(&self.timers, now, &mut actions),
                Machine::NonInviteServer(machine) => machine.timeout(now, &mut actions),
            }
            self.act(id, &actions, None);
        }
    }

    /// When [`Transactions::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn receive_response(&mut self, response: Response, flow: Flow, now: Instant) {
        let key = response_key(&response);
        let Some(id) = key.and_then(|key| self.keys.get(&key).copied()) else {
            self.events.push_back(Event::Stray {
                response: Box::new(response),
                flow,
            });
            return;
        };
        let Some(transaction) = self.transactions.get_mut(&id) else {
            return;
        };
        let (timers, reliable) = (self.timers, transaction.flow.is_reliable());
        let mut actions = Vec::new();
        match &mut transaction.machine {
            Machine::InviteClient(machine, invite) => {
                machine.receive(response.status, &timers, reliable, now, &mut actions);
                // Many calls are held for as long as Timer M: what is not sent again goes now.
                if !matches!(machine, InviteClient::Calling { .. }) {
                    transaction.last = Vec::new();
                }
                if matches!(machine, InviteClient::Accepted { .. }) {
                    *invite = None;
                }
            }
            Machine::NonInviteClient(machine) => {
                machine.receive(response.status, &timers, reliable, now, &mut actions);
            }
            Machine::InviteServer(_) | Machine::NonInviteServer(_) => {}
        }
        self.act(id, &actions, Some((response, flow)));
    }

    fn receive_request(
        &mut self,
        mut request: Request,
        flow: Flow,
        now: Instant,
    ) -> Result<(), Full> {
        let flow = back(&mut request, flow);
        let Some(key) = server_key(&request) else {
            // Without a Via nobody waits for an answer; the codec lets none through.
            return Ok(());
        };
        let known = self.keys.get(&key).copied();
        if request.method == Method::Ack {
            self.receive_ack(known, request, flow, now);
            return Ok(());
        }
        if let Some(id) = known {
            let mut actions = Vec::new();
            match self
                .transactions
                .get(&id)
                .map(|transaction| &transaction.machine)
            {
                Some(Machine::InviteServer(machine)) => machine.receive_again(&mut actions),
                Some(Machine::NonInviteServer(machine)) => machine.receive_again(&mut actions),
                Some(Machine::InviteClient(..) | Machine::NonInviteClient(_)) | None => {}
            }
            self.act(id, &actions, None);
            return Ok(());
        }
        let id = self.next_id()?;
        let machine = match request.method {
            Method::Invite => Machine::InviteServer(InviteServer::Proceeding),
            _ => Machine::NonInviteServer(NonInviteServer::Trying),
        };
        self.add(
            id,
            Transaction {
                machine,
                key,
                flow,
                last: Vec::new(),
                due_at: None,
            },
        );
        self.events.push_back(Event::Request {
            id,
            request: Box::new(request),
            flow,
        });
        Ok(())
    }

    fn receive_ack(
        &mut self,
        known: Option<TransactionId>,
        ack: Request,
        flow: Flow,
        now: Instant,
    ) {
        let mut actions = Vec::new();
        let transaction = known.and_then(|id| self.transactions.get_mut(&id).map(|t| (id, t)));
        match transaction {
            Some((
                id,
                Transaction {
                    machine: Machine::InviteServer(machine),
                    flow,
                    ..
                },
            )) => {
                machine.receive_ack(&self.timers, flow.is_reliable(), now, &mut actions);
                self.renew(id);
            }
            Some(_) | None => actions.push(Action::PassUp),
        }
        if actions.contains(&Action::PassUp) {
            self.events.push_back(Event::Ack {
                request: Box::new(ack),
                flow,
            });
        }
    }

    fn act(&mut self, id: TransactionId, actions: &[Action], came: Option<(Response, Flow)>) {
        let mut came = came;
        // Behind the response it acknowledges, for whoever reads both.
        let mut acknowledged = None;
        for action in actions {
            let Some(transaction) = self.transactions.get_mut(&id) else {
                return;
            };
            match action {
                Action::SendAgain if transaction.last.is_empty() => {}
                Action::SendAgain => {
                    let (flow, bytes) = (transaction.flow, transaction.last.clone());
                    self.events.push_back(Event::Transmit {
                        flow,
                        bytes,
                        id: Some(id),
                        again: true,
                    });
                }
                Action::Acknowledge => {
                    if let (Machine::InviteClient(_, Some(invite)), Some((response, by))) =
                        (&transaction.machine, &came)
                    {
                        // The stream of the INVITE may be gone: the response's is there.
                        let flow = match by.is_reliable() {
                            true => *by,
                            false => transaction.flow,
                        };
                        let bytes = acknowledgement(invite, response).to_bytes();
                        let (id, again) = (Some(id), false);
                        acknowledged = Some(Event::Transmit {
                            flow,
                            bytes,
                            id,
                            again,
                        });
                    }
                }
                Action::PassUp => {
                    if let Some((response, flow)) = came.take() {
                        let response = Box::new(response);
                        self.events
                            .push_back(Event::Response { id, response, flow });
                    }
                }
                Action::TimedOut => {
                    self.end(id);
                    self.events.push_back(Event::TimedOut { id });
                }
                Action::End => {
                    self.end(id);
                    self.events.push_back(Event::Ended { id });
                }
            }
        }
        self.events.extend(acknowledged);
        self.renew(id);
    }

    fn next_id(&mut self) -> Result<TransactionId, Full> {
        if self.transactions.len() >= self.max {
            return Err(Full);
        }
        self.last_id += 1;
        Ok(TransactionId(self.last_id))
    }

    fn add(&mut self, id: TransactionId, transaction: Transaction) {
        if matches!(transaction.key, Key::Client { .. }) {
            self.on_streams.insert(transaction.flow, id);
        }
        self.keys.insert(transaction.key.clone(), id);
        self.transactions.insert(id, transaction);
    }

    fn renew(&mut self, id: TransactionId) {
        let Some(transaction) = self.transactions.get_mut(&id) else {
            return;
        };
        let due_at = transaction.machine.due_at();
        if due_at != transaction.due_at {
            if let Some(at) = transaction.due_at {
                self.due.remove(&(at, id));
            }
            if let Some(at) = due_at {
                self.due.insert((at, id));
            }
            transaction.due_at = due_at;
        }
    }

    fn end(&mut self, id: TransactionId) {
        if let Some(transaction) = self.transactions.remove(&id) {
            self.keys.remove(&transaction.key);
            self.on_streams.remove(transaction.flow, id);
            if let Some(at) = transaction.due_at {
                self.due.remove(&(at, id));
            }
        }
    }
}

impl Transaction {
    /// Whether the peer still owes something on the flow.
    fn waits(&self) -> bool {
        match &self.machine {
            Machine::InviteClient(machine, _) => {
                matches!(machine, InviteClient::Calling { .. })
            }
            Machine::NonInviteClient(machine) => matches!(machine, NonInviteClient::Trying { .. }),
            Machine::InviteServer(_) | Machine::NonInviteServer(_) => false,
        }
    }
}

impl Machine {
    fn due_at(&self) -> Option<Instant> {
        match self {
            Self::InviteClient(machine, _) => machine.due_at(),
            Self::NonInviteClient(machine) => machine.due_at(),
            Self::InviteServer(machine) => machine.due_at(),
            Self::NonInviteServer(machine) => machine.due_at(),
        }
    }
}
