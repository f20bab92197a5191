//! What becomes of a stanza that has come: answered here, or handed up.
//!
//! | what | where |
//! |---|---|
//! | an answer | to whoever asked, if id and address fit; else counted |
//! | a request for a ping, disco#info, disco#items | answered; an account's, to who may call it |
//! | a request for servers for media, of whoever may call | answered |
//! | presence about an address of a component | answered (`presence.rs`), to who may call |
//! | anything to an address that is not ours or not served | counted; a request gets an error |
//! | all else | up |

use minidom::Element;

use super::EntityId;
use super::address::{is_one_of, is_served};
use super::disco::{Asked, Disco};
use super::extdisco::{SERVICES_MAX, Service};
use super::iq::Requests;
use super::ns;
use super::out::Out;
use super::presence::{Presences, Reaction};
use super::stanza::{self, Kind, bare, domain, is_jid, is_same, local, payload, set, with};
use super::stanza_error::{self, Condition};
use crate::config;

#[derive(Debug)]
enum Side {
    Component {
        domain: String,
        serves: Vec<String>,
        /// Who may call.
        callers: Vec<String>,
        /// Servers for media that callers are told of.
        offered: Vec<Service>,
        presences: Box<Presences>,
    },
    Account {
        /// Who may call.
        callers: Vec<String>,
    },
}

/// What one entity does with stanzas.
#[derive(Debug)]
pub(super) struct Delivery {
    disco: Disco,
    side: Side,
}

impl Delivery {
    pub(super) fn component(
        disco: Disco,
        presences: Presences,
        config: &config::Component,
        offered: Vec<Service>,
    ) -> Self {
        let side = Side::Component {
            domain: config.domain.to_lowercase(),
            serves: config.serves.clone(),
            callers: config.callers.clone(),
            offered,
            presences: Box::new(presences),
        };
        Self { disco, side }
    }

    pub(super) fn account(disco: Disco, config: &config::XmppAccount) -> Self {
        let side = Side::Account {
            callers: config.callers.clone(),
        };
        Self { disco, side }
    }

    /// Does with a stanza what is to be done. Returns what answers it.
    pub(super) fn deliver(
        &mut self,
        entity: EntityId,
        stanza: Element,
        own: &str,
        requests: &mut Requests,
        out: &mut Out,
    ) -> Vec<Element> {
        let kind = stanza::kind(&stanza);
        if !self.is_addressed(&stanza) {
            out.counts.misaddressed += 1;
            return Vec::new();
        }
        match kind {
            Kind::Answer => {
                match requests.answered(stanza, own) {
                    Some((waiter, outcome)) => out.answered(entity, waiter, outcome),
                    None => out.counts.strays += 1,
                }
                Vec::new()
            }
            Kind::Request => match self.answer(&stanza, own) {
                Some(answer) => vec![answer],
                None => {
                    out.stanza(entity, stanza);
                    Vec::new()
                }
            },
            Kind::Presence => match self.presence(&stanza) {
                Reaction::Answers(answers) => answers,
                Reaction::Up => {
                    out.stanza(entity, stanza);
                    Vec::new()
                }
            },
            Kind::Message if self.is_served(&stanza) => {
                out.stanza(entity, stanza);
                Vec::new()
            }
            Kind::Message => {
                out.counts.misaddressed += 1;
                let error = stanza_error::error(&stanza, Condition::ItemNotFound, None);
                error.into_iter().collect()
            }
            Kind::Other => {
                out.counts.malformed += 1;
                // RFC 6120 §8.2.3: an iq of no known type is an error of its sender's.
                Vec::new()
            }
        }
    }

    /// Whether a stanza can be for us, and be answered: a component's server puts both addresses
    /// on it, and whoever has none gets nothing.
    fn is_addressed(&self, stanza: &Element) -> bool {
        match &self.side {
            Side::Component { domain: ours, .. } => {
                let known = |name| stanza.attr(name).filter(|jid| is_jid(jid));
                let to = known("to").map(domain);
                known("from").is_some() && to.is_some_and(|to| to.eq_ignore_ascii_case(ours))
            }
            // RFC 6120 §8.1.2.1: the server's own have no address, and it sees to the others.
            Side::Account { .. } => true,
        }
    }

    fn is_served(&self, stanza: &Element) -> bool {
        match &self.side {
            Side::Component { serves, .. } => {
                let to = stanza.attr("to").unwrap_or_default();
                local(to).is_none() || is_served(serves, to)
            }
            Side::Account { .. } => true,
        }
    }

    /// Whether somebody may know that we are here: an account's own user, his server, and who may
    /// call. That addresses of a component are there is no secret.
    fn is_known(&self, stanza: &Element, own: &str) -> bool {
        let Side::Account { callers } = &self.side else {
            return true;
        };
        stanza.attr("from").is_none_or(|from| {
            let is_own = is_same(bare(from), bare(own)) || is_same(from, domain(own));
            is_own || is_one_of(callers, bare(from))
        })
    }

    fn answer(&self, request: &Element, own: &str) -> Option<Element> {
        if !self.is_served(request) {
            return stanza_error::error(request, Condition::ItemNotFound, None);
        }
        let Some(asked) = payload(request) else {
            return stanza_error::error(request, Condition::BadRequest, None);
        };
        let is_ping = asked.is("ping", ns::PING);
        let is_disco = [ns::DISCO_INFO, ns::DISCO_ITEMS].contains(&asked.ns().as_str());
        if (is_ping || is_disco) && !self.is_known(request, own) {
            // RFC 6120 §8.3.3.19: as the server answers for whoever is not there.
            return stanza_error::error(request, Condition::ServiceUnavailable, None);
        }
        if is_ping {
            return Some(stanza::result(request));
        }
        let is_domain = match &self.side {
            Side::Component { .. } => local(request.attr("to").unwrap_or_default()).is_none(),
            Side::Account { .. } => false,
        };
        let asked = match is_domain {
            true => Asked::Domain,
            false => Asked::Address,
        };
        let services = self.services(request);
        services.or_else(|| self.disco.answer(request, asked))
    }

    /// Tells whoever may call of servers for media, with their credentials (XEP-0215 §3).
    fn services(&self, request: &Element) -> Option<Element> {
        let asked = payload(request).filter(|asked| asked.ns() == ns::EXTDISCO)?;
        let Side::Component {
            callers, offered, ..
        } = &self.side
        else {
            return None;
        };
        if offered.is_empty() || request.attr("type") != Some("get") {
            return None;
        }
        let from = request.attr("from").unwrap_or_default();
        if !is_one_of(callers, bare(from)) {
            return stanza_error::error(request, Condition::Forbidden, None);
        }
        let mut told = Element::bare(asked.name(), ns::EXTDISCO);
        let named: Vec<_> = asked.children().take(SERVICES_MAX).collect();
        let fits = |service: &&Service| match (asked.name(), asked.attr("type")) {
            ("credentials", _) => named.iter().any(|one| service.is_named_by(one)),
            (_, Some(kind)) => service.kind.name() == kind,
            (_, None) => true,
        };
        if !matches!(asked.name(), "services" | "credentials") {
            return stanza_error::error(request, Condition::BadRequest, None);
        }
        if let Some(kind) = asked.attr("type") {
            set(&mut told, "type", kind);
        }
        for service in offered.iter().filter(fits) {
            told.append_child(service.write());
        }
        Some(with(stanza::result(request), told))
    }

    fn presence(&mut self, stanza: &Element) -> Reaction {
        let is_served = self.is_served(stanza);
        match &mut self.side {
            Side::Component {
                presences, callers, ..
            } => {
                let from = stanza.attr("from").map(bare).unwrap_or_default();
                let tells = is_served && is_one_of(callers, from);
                presences.handle(stanza, tells)
            }
            // The user's other clients approve who may see him.
            Side::Account { .. } => Reaction::Up,
        }
    }

    /// What answers a request that was passed over.
    pub(super) fn too_much(&self, head: &Element) -> Option<Element> {
        if stanza::kind(head) != Kind::Request || !self.is_addressed(head) {
            return None;
        }
        let text = Some("the stanza is over a limit of this gateway");
        stanza_error::error(head, Condition::PolicyViolation, text)
    }

    /// What all who are told of addresses are told again.
    pub(super) fn presences(&self) -> Box<dyn Iterator<Item = Element> + '_> {
        match &self.side {
            Side::Component { presences, .. } => Box::new(presences.again()),
            Side::Account { .. } => Box::new(std::iter::empty()),
        }
    }

    /// What they are told at the end.
    pub(super) fn departures(&self) -> Box<dyn Iterator<Item = Element> + '_> {
        match &self.side {
            Side::Component { presences, .. } => Box::new(presences.gone()),
            Side::Account { .. } => Box::new(std::iter::empty()),
        }
    }

    pub(super) fn caps(&self) -> [Element; 2] {
        self.disco.caps()
    }

    pub(super) fn subscribers_refused(&self) -> u64 {
        match &self.side {
            Side::Component { presences, .. } => presences.refused,
            Side::Account { .. } => 0,
        }
    }
}
