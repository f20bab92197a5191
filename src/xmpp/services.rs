//! [`Services`]: the STUN and TURN servers of the chat servers that users have accounts at
//! (XEP-0215), asked for when an account is online and again before they end.
//!
//! ```text
//!             online               an answer                     half of their time, a push
//!   Unknown ─────────▶ Asked ─────────────────────▶ Known { ask_at } ──────────────▶ Asked …
//!      ▲                │ └── TURN without credentials: <credentials/> for each of them
//!      └── an error ────┘
//! ```
//!
//! A server without XEP-0215 says so, and is not asked again before the account is online anew;
//! one that does not answer is. Servers whose credentials have ended are nobody's any more.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use minidom::Element;

use super::extdisco::Service;
use super::iq::Outcome;
use super::stanza::{bare, domain, element, is_same, payload, result, with};
use super::{EntityId, ns};
use crate::config::{Config, IceServer};

/// The soonest that is asked again.
const AGAIN_MIN: Duration = Duration::from_secs(60);

/// The latest, and when servers that say no time are asked for again.
const AGAIN_MAX: Duration = Duration::from_secs(6 * 3600);

/// When a server that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(300);

/// Requests for credentials after one answer.
const CREDENTIALS_MAX: usize = 8;

/// A request that is to be sent.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// As which account.
    pub entity: EntityId,
    /// It.
    pub stanza: Element,
    /// Names it.
    pub asker: u64,
}

#[derive(Debug)]
struct Account {
    owner: String,
    /// Bare.
    jid: String,
    standing: Standing,
    servers: Vec<Service>,
    /// Which answer these are of: what is asked about one is nothing to the next.
    answer: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unknown,
    Asked,
    Known { ask_at: Instant },
}

/// What is asked.
#[derive(Clone, Debug)]
enum Asked {
    Services(EntityId),
    Credentials(EntityId, u64),
}

/// All accounts' servers.
#[derive(Debug)]
pub struct Services {
    accounts: BTreeMap<EntityId, Account>,
    asked: BTreeMap<u64, Asked>,
    requests: VecDeque<Request>,
    last: u64,
    epoch: (Instant, Duration),
}

/// Requests of ours carry this bit, so that they are told from those of calls.
const ASKER_BIT: u64 = 1 << 63;

impl Services {
    /// For the accounts of the configuration; `unix` is the time since 1970 at `now`.
    #[must_use]
    pub fn new(config: &Config, now: Instant, unix: Duration) -> Self {
        let components = config.component.len();
        let accounts = config.xmpp_account.iter().enumerate();
        let accounts = accounts.map(|(place, one)| {
            let account = Account {
                owner: one.owner.clone(),
                jid: bare(&one.jid).to_owned(),
                standing: Standing::Unknown,
                servers: Vec::new(),
                answer: 0,
            };
            (EntityId(components + place), account)
        });
        Self {
            accounts: accounts.collect(),
            asked: BTreeMap::new(),
            requests: VecDeque::new(),
            last: 0,
            epoch: (now, unix),
        }
    }

    /// Whether this asker is one of ours.
    #[must_use]
    pub fn is_asker(asker: u64) -> bool {
        asker & ASKER_BIT != 0
    }

    /// The next request that is to be sent.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// What the clients of a user are to be told, of all his accounts.
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Vec<IceServer> {
        let accounts = self.accounts.values();
        let his = accounts.filter(|account| account.owner == owner);
        let servers = his.flat_map(|account| &account.servers);
        servers.filter_map(Service::for_pages).collect()
    }

    /// An account is online.
    pub fn online(&mut self, entity: EntityId, now: Instant) {
        let standing = self.accounts.get(&entity).map(|account| account.standing);
        match standing {
            Some(Standing::Known { ask_at }) if ask_at > now => {}
            Some(Standing::Unknown | Standing::Asked | Standing::Known { .. }) => {
                self.ask_services(entity);
            }
            None => {} // A component: it has no server of its own to ask.
        }
    }

    fn ask_services(&mut self, entity: EntityId) {
        let Some(account) = self.accounts.get_mut(&entity) else {
            return;
        };
        account.standing = Standing::Asked;
        let services = Element::bare("services", ns::EXTDISCO);
        self.ask(entity, services, Asked::Services(entity));
    }

    fn ask(&mut self, entity: EntityId, payload: Element, asked: Asked) {
        let Some(account) = self.accounts.get(&entity) else {
            return;
        };
        let attributes = [("type", "get"), ("to", domain(&account.jid))];
        let stanza = with(element("iq", ns::CLIENT, &attributes), payload);
        self.last += 1;
        let asker = self.last | ASKER_BIT;
        self.asked.insert(asker, asked);
        self.requests.push_back(Request {
            entity,
            stanza,
            asker,
        });
    }

    /// What came of a request. Returns whose servers are others now.
    pub fn answered(&mut self, asker: u64, outcome: &Outcome, now: Instant) -> Option<String> {
        match self.asked.remove(&asker)? {
            Asked::Services(entity) => self.services(entity, outcome, now),
            Asked::Credentials(entity, answer) => self.credentials(entity, answer, outcome, now),
        }
    }

    fn services(&mut self, entity: EntityId, outcome: &Outcome, now: Instant) -> Option<String> {
        let account = self.accounts.get_mut(&entity)?;
        let found = match outcome {
            Outcome::Result(result) => {
                let listed = payload(result).filter(|it| it.is("services", ns::EXTDISCO));
                listed.map(Service::all).unwrap_or_default()
            }
            Outcome::Error(..) => {
                account.standing = Standing::Unknown;
                return None;
            }
            Outcome::None => {
                let ask_at = now + RETRY;
                account.standing = Standing::Known { ask_at };
                return None;
            }
        };
        let before = pages(&account.servers);
        account.answer += 1;
        account.servers = found;
        let (answer, is_other) = (account.answer, pages(&account.servers) != before);
        let owner = account.owner.clone();
        let bare = account.servers.iter();
        let bare = bare.filter(|one| one.kind.is_turn() && one.credentials.is_none());
        let bare: Vec<_> = bare.take(CREDENTIALS_MAX).cloned().collect();
        self.plan(entity, now);
        for service in bare {
            let asked = service.without_credentials();
            let payload = with(Element::bare("credentials", ns::EXTDISCO), asked);
            self.ask(entity, payload, Asked::Credentials(entity, answer));
        }
        is_other.then_some(owner)
    }

    fn credentials(
        &mut self,
        entity: EntityId,
        answer: u64,
        outcome: &Outcome,
        now: Instant,
    ) -> Option<String> {
        let account = self.accounts.get_mut(&entity)?;
        let Outcome::Result(result) = outcome else {
            return None;
        };
        let told = payload(result).filter(|it| it.is("credentials", ns::EXTDISCO))?;
        if account.answer != answer {
            return None;
        }
        let before = pages(&account.servers);
        for (told, written) in told
            .children()
            .filter_map(|it| Some((Service::read(it)?, it)))
        {
            let mut servers = account.servers.iter_mut();
            let lacking = servers.find(|one| one.credentials.is_none() && one.is_named_by(written));
            if let Some(one) = lacking {
                (one.credentials, one.expires) = (told.credentials, told.expires);
            }
        }
        let is_other = pages(&account.servers) != before;
        let owner = account.owner.clone();
        self.plan(entity, now);
        is_other.then_some(owner)
    }

    /// When the servers are to be asked for again: at half of the time that is left.
    fn plan(&mut self, entity: EntityId, now: Instant) {
        let unix = self.unix(now);
        let Some(account) = self.accounts.get_mut(&entity) else {
            return;
        };
        let ends = account.servers.iter().filter_map(|one| one.expires).min();
        let left = ends.map(|at| Duration::from_secs(at.saturating_sub(unix)) / 2);
        let wait = left.unwrap_or(AGAIN_MAX).clamp(AGAIN_MIN, AGAIN_MAX);
        let ask_at = now + wait;
        account.standing = Standing::Known { ask_at };
    }

    /// Does what is due. Returns whose servers have ended.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<String> {
        let unix = self.unix(now);
        let due = self.accounts.iter().filter(
            |(_, account)| matches!(account.standing, Standing::Known { ask_at } if ask_at <= now),
        );
        let due: Vec<EntityId> = due.map(|(entity, _)| *entity).collect();
        let mut ended = Vec::new();
        for entity in due {
            if let Some(account) = self.accounts.get_mut(&entity) {
                let before = account.servers.len();
                let is_good = |one: &Service| one.expires.is_none_or(|at| at > unix);
                account.servers.retain(is_good);
                if account.servers.len() < before {
                    ended.push(account.owner.clone());
                }
            }
            self.ask_services(entity);
        }
        ended
    }

    /// When [`Services::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let all = self.accounts.values();
        all.filter_map(|account| match account.standing {
            Standing::Known { ask_at } => Some(ask_at),
            Standing::Unknown | Standing::Asked => None,
        })
        .min()
    }

    /// Takes what an account's own server pushes (XEP-0215 §3.2): the whole is asked for again.
    /// Returns the answer; `None` where it is no push, or of anybody else.
    pub fn pushed(&mut self, entity: EntityId, stanza: &Element) -> Option<Element> {
        let account = self.accounts.get(&entity)?;
        let is_push = stanza.attr("type") == Some("set")
            && payload(stanza).is_some_and(|it| it.is("services", ns::EXTDISCO));
        let is_own =
            |from: &str| is_same(from, domain(&account.jid)) || is_same(from, &account.jid);
        if !is_push || !stanza.attr("from").is_none_or(is_own) {
            return None;
        }
        if account.standing != Standing::Asked {
            self.ask_services(entity);
        }
        Some(result(stanza))
    }

    fn unix(&self, now: Instant) -> u64 {
        let (at, unix) = self.epoch;
        (unix + now.saturating_duration_since(at)).as_secs()
    }
}

fn pages(servers: &[Service]) -> Vec<IceServer> {
    servers.iter().filter_map(Service::for_pages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Component, XmppAccount};
    use crate::xmpp::stanza_error::Condition;

    const ACCOUNT: EntityId = EntityId(1);
    /// 2023-11-14T22:13:20Z.
    const UNIX: u64 = 1_700_000_000;

    fn services() -> (Services, Instant) {
        let mut config = Config::default();
        config.component.push(Component::default());
        config.xmpp_account.push(XmppAccount {
            jid: "alice@example.org/desk".into(),
            owner: "alice".into(),
            ..XmppAccount::default()
        });
        let now = Instant::now();
        (Services::new(&config, now, Duration::from_secs(UNIX)), now)
    }

    fn answer(services: &mut Services, asker: u64, inside: &str, now: Instant) -> Option<String> {
        let text = format!("<iq xmlns='jabber:client' type='result'>{inside}</iq>");
        let outcome = Outcome::Result(text.parse().unwrap());
        services.answered(asker, &outcome, now)
    }

    fn listed(inside: &str) -> String {
        format!("<services xmlns='urn:xmpp:extdisco:2'>{inside}</services>")
    }

    fn turn(expires: &str) -> String {
        format!(
            "<service type='turn' host='t' username='u' password='p' expires='{expires}'/>\
             <service type='stun' host='s'/><service type='ftp' host='f'/>"
        )
    }

    #[test]
    fn servers_are_asked_for_and_again_at_half_of_their_time() {
        let (mut services, now) = services();
        services.online(EntityId(0), now);
        assert_eq!(services.poll_request(), None, "a component asks nobody");
        services.online(ACCOUNT, now);
        let request = services.poll_request().unwrap();
        assert_eq!(request.stanza.attr("to"), Some("example.org"));
        assert!(Services::is_asker(request.asker));
        // An hour.
        let inside = listed(&turn("2023-11-14T23:13:20Z"));
        let owner = answer(&mut services, request.asker, &inside, now);
        assert_eq!(owner.as_deref(), Some("alice"));
        let urls: Vec<_> = services
            .of_owner("alice")
            .into_iter()
            .flat_map(|s| s.urls)
            .collect();
        assert_eq!(urls, ["turn:t", "stun:s"]);
        assert!(services.of_owner("bob").is_empty());
        let at = services.poll_timeout().unwrap();
        assert_eq!(at, now + Duration::from_secs(1800));
        services.online(ACCOUNT, now);
        assert_eq!(services.poll_request(), None, "what is known is not asked");
        assert!(services.handle_timeout(at).is_empty());
        let again = services.poll_request().unwrap();
        // Nothing is new.
        assert_eq!(answer(&mut services, again.asker, &inside, at), None);
        assert_eq!(services.poll_timeout(), Some(at + Duration::from_secs(900)));
    }

    #[test]
    fn turn_without_credentials_is_asked_for_them() {
        let (mut services, now) = services();
        services.online(ACCOUNT, now);
        let asker = services.poll_request().unwrap().asker;
        let inside = listed("<service type='turns' host='t' port='5349' restricted='1'/>");
        assert_eq!(answer(&mut services, asker, &inside, now), None);
        assert!(services.of_owner("alice").is_empty());
        let request = services.poll_request().unwrap();
        let asked = payload(&request.stanza).unwrap();
        assert!(asked.is("credentials", ns::EXTDISCO));
        let inside = "<credentials xmlns='urn:xmpp:extdisco:2'><service type='turns' host='t' \
            port='5349' username='u' password='p' expires='2023-11-14T23:13:20Z'/></credentials>";
        let owner = answer(&mut services, request.asker, inside, now);
        assert_eq!(owner.as_deref(), Some("alice"));
        assert_eq!(services.of_owner("alice")[0].username.as_deref(), Some("u"));
        assert_eq!(
            services.poll_timeout(),
            Some(now + Duration::from_secs(1800))
        );
        assert_eq!(
            answer(&mut services, request.asker, inside, now),
            None,
            "twice"
        );
    }

    #[test]
    fn server_without_it_is_left_alone_and_a_silent_one_asked_again() {
        let (mut services, now) = services();
        services.online(ACCOUNT, now);
        let asker = services.poll_request().unwrap().asker;
        let error = Outcome::Error(
            Condition::ServiceUnavailable,
            Element::bare("iq", ns::CLIENT),
        );
        assert_eq!(services.answered(asker, &error, now), None);
        assert_eq!(services.poll_timeout(), None);
        services.online(ACCOUNT, now);
        let asker = services.poll_request().unwrap().asker;
        services.answered(asker, &Outcome::None, now);
        assert_eq!(services.poll_timeout(), Some(now + RETRY));
    }

    #[test]
    fn servers_whose_time_is_over_are_nobodys() {
        let (mut services, now) = services();
        services.online(ACCOUNT, now);
        let asker = services.poll_request().unwrap().asker;
        answer(
            &mut services,
            asker,
            &listed(&turn("2023-11-14T22:14:00Z")),
            now,
        );
        assert_eq!(services.of_owner("alice").len(), 2);
        let at = services.poll_timeout().unwrap();
        assert_eq!(at, now + AGAIN_MIN);
        assert_eq!(services.handle_timeout(at), ["alice"]);
        assert_eq!(
            services.of_owner("alice").len(),
            1,
            "that without a time stays"
        );
    }

    #[test]
    fn push_of_the_own_server_is_answered_and_of_nobody_else() {
        let (mut services, now) = services();
        services.online(ACCOUNT, now);
        let asker = services.poll_request().unwrap().asker;
        answer(&mut services, asker, &listed(""), now);
        let push = |from: &str| -> Element {
            let inside = listed("<service action='add' type='stun' host='s'/>");
            let text =
                format!("<iq xmlns='jabber:client' type='set' id='p' from='{from}'>{inside}</iq>");
            text.parse().unwrap()
        };
        for stranger in ["mallory@example.org", "example.com"] {
            assert_eq!(services.pushed(ACCOUNT, &push(stranger)), None);
        }
        let result = services.pushed(ACCOUNT, &push("example.org")).unwrap();
        assert_eq!(
            (result.attr("type"), result.attr("id")),
            (Some("result"), Some("p"))
        );
        assert!(services.poll_request().is_some());
        assert!(services.pushed(ACCOUNT, &push("example.org")).is_some());
        assert_eq!(services.poll_request(), None, "it is asked already");
    }
}
