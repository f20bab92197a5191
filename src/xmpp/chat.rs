//! Messages between people (RFC 6121 §5) and their receipts (XEP-0184).
//!
//! ```text
//!   message with a body ─▶ Heard::Said       up: for whom, by whom, whether a receipt is asked for
//!   <received/>, an error ▶ Heard::Outcome   of a message of ours, known by its id and its address
//!   all else ────────────▶ Heard::Nothing   chat states, group chats, copies of what we sent
//! ```
//!
//! A receipt is asked for with every message of ours; clients that know none send none, and then
//! nothing is known (XEP-0184 §4 wants nothing to be read into that). An error comes from a server
//! or a client and is final.

use std::collections::BTreeMap;

use minidom::Element;

use super::address::{NoAddress, address_of, is_one_of};
use super::carbon::{Copied, copied};
use super::presence::RESOURCE;
use super::stanza::{Kind, back, bare, domain, element, is_same, kind, set, with};
use super::stanza_error::{Condition, condition};
use super::{EntityId, ns};
use crate::address::Address;
use crate::config::{Config, LocalPart};
use crate::id::{NoteId, Source};

/// What a stanza says to people.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// Somebody has written.
    Said(Box<Said>),
    /// What became of a message of ours: its condition where it is an error.
    Outcome(NoteId, Option<Condition>),
    /// Somebody may not write, or to nobody.
    Refused(Condition),
    /// Nothing to people.
    Nothing,
}

/// A message of a chat user.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Who wrote it: a bare address.
    pub from: String,
    /// Whom it is for.
    pub to: Called,
    /// What is written.
    pub body: String,
    /// What answers are made for.
    pub head: Head,
}

/// For whom a message of a chat user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// Somebody behind a component.
    Address(Address),
    /// The client user whose account it is.
    Owner(String),
}

/// The head of a message: what it is answered by.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// It, without what it holds.
    pub stanza: Element,
    wants_receipt: bool,
}

impl Head {
    /// The receipt, where one is asked for.
    #[must_use]
    pub fn receipt(&self) -> Option<Element> {
        let id = self.stanza.attr("id").filter(|_| self.wants_receipt)?;
        let received = element("received", ns::RECEIPTS, &[("id", id)]);
        // XEP-0184 §7: of the type of what it is for.
        let mut receipt = back(&self.stanza, self.stanza.attr("type").unwrap_or("normal"));
        set(&mut receipt, "id", &format!("receipt-{id}"));
        Some(with(receipt, received))
    }
}

/// What one stream is to people.
#[derive(Debug)]
enum Office {
    Component {
        domain: String,
        meaning: LocalPart,
        callers: Vec<String>,
    },
    Account {
        owner: String,
        jid: String,
        callers: Vec<String>,
    },
}

/// The messages of all streams.
#[derive(Debug)]
pub struct Chats {
    offices: Vec<Office>,
    /// Whose news is waited for, by the stanza's id, and whom it went to.
    sent: BTreeMap<(EntityId, String), (NoteId, String)>,
    ids: BTreeMap<NoteId, (EntityId, String)>,
}

impl Chats {
    /// For the streams of the configuration, in the order of [`super::Agent`].
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let components = config.component.iter().map(|one| Office::Component {
            domain: one.domain.to_lowercase(),
            meaning: one.local_part,
            callers: one.callers.clone(),
        });
        let accounts = config.xmpp_account.iter().map(|one| Office::Account {
            owner: one.owner.clone(),
            jid: one.jid.clone(),
            callers: one.callers.clone(),
        });
        Self {
            offices: components.chain(accounts).collect(),
            sent: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// An account has this address now.
    pub fn online(&mut self, entity: EntityId, full: &str) {
        if let Some(Office::Account { jid, .. }) = self.offices.get_mut(entity.0) {
            full.clone_into(jid);
        }
    }

    /// Whether nobody waits for news: for tests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.ids.is_empty()
    }

    // --- what we say ---

    /// A message of ours, from a bare address or a full one, whose news is waited for.
    pub fn say(
        &mut self,
        entity: EntityId,
        note: NoteId,
        from: &str,
        to: &str,
        body: &str,
        ids: &mut Source,
    ) -> Element {
        let from = match (self.offices.get(entity.0), from.contains('/')) {
            (Some(Office::Account { jid, .. }), _) => jid.clone(),
            (_, true) => from.to_owned(),
            (_, false) => format!("{from}/{RESOURCE}"),
        };
        let id = ids.token();
        let attributes = [("type", "chat"), ("id", &id), ("from", &from), ("to", to)];
        let message = element("message", ns::CLIENT, &attributes);
        let message = with(message, with(Element::bare("body", ns::CLIENT), body));
        let message = with(message, Element::bare("request", ns::RECEIPTS));
        self.ids.insert(note, (entity, id.clone()));
        let peer = bare(to).to_owned();
        self.sent.insert((entity, id), (note, peer));
        message
    }

    /// Nobody waits for news of a message any more.
    pub fn forget(&mut self, note: NoteId) {
        if let Some(key) = self.ids.remove(&note) {
            self.sent.remove(&key);
        }
    }

    /// Which message of ours a stanza was that did not arrive.
    #[must_use]
    pub fn undelivered(&self, entity: EntityId, stanza: &Element) -> Option<NoteId> {
        let id = stanza.attr("id")?.to_owned();
        self.sent.get(&(entity, id)).map(|(note, _)| *note)
    }

    // --- what we hear ---

    /// Reads a stanza that is for nobody else in here.
    #[must_use]
    pub fn hear(&self, entity: EntityId, stanza: &Element) -> Heard {
        let Some(office) = self.offices.get(entity.0) else {
            return Heard::Nothing;
        };
        if kind(stanza) != Kind::Message {
            return Heard::Nothing;
        }
        let own = match office {
            Office::Component { domain, .. } => domain,
            Office::Account { jid, .. } => jid,
        };
        match copied(stanza, own) {
            Copied::Own(own) => self.said(entity, office, own, false),
            // The client that it was for sends the receipt.
            Copied::Received(copy) => self.said(entity, office, copy, true),
            Copied::Sent(_) | Copied::Forged => Heard::Nothing,
        }
    }

    fn said(&self, entity: EntityId, office: &Office, stanza: &Element, is_copy: bool) -> Heard {
        let Some(from) = stanza.attr("from") else {
            return Heard::Nothing; // The server itself.
        };
        let is_of_people = match stanza.attr("type") {
            Some("error") => {
                let note = self.note_of(entity, stanza.attr("id"), from);
                return note.map_or(Heard::Nothing, |note| {
                    Heard::Outcome(note, Some(condition(stanza)))
                });
            }
            None | Some("chat" | "normal") => true,
            // RFC 6121 §5.2.2: an unknown type is `normal`; rooms and headlines are no people.
            Some("groupchat" | "headline") => false,
            Some(_) => true,
        };
        if let Some(received) = stanza.get_child("received", ns::RECEIPTS) {
            let note = self.note_of(entity, received.attr("id"), from);
            return note.map_or(Heard::Nothing, |note| Heard::Outcome(note, None));
        }
        let body = stanza.get_child("body", ns::CLIENT).map(Element::text);
        let Some(body) = body.filter(|body| is_of_people && !body.trim().is_empty()) else {
            return Heard::Nothing;
        };
        let to = match office.called(from, stanza.attr("to").unwrap_or_default()) {
            Ok(Some(to)) => to,
            Ok(None) => return Heard::Nothing,
            Err(refused) => return Heard::Refused(refused),
        };
        let mut head = Element::bare("message", ns::CLIENT);
        for name in ["type", "id", "from", "to"] {
            if let Some(value) = stanza.attr(name) {
                set(&mut head, name, value);
            }
        }
        if let Office::Account { jid, .. } = office {
            set(&mut head, "to", jid); // Answers are ours, however we were addressed.
        }
        Heard::Said(Box::new(Said {
            from: bare(from).to_owned(),
            to,
            body,
            head: Head {
                stanza: head,
                wants_receipt: !is_copy && stanza.has_child("request", ns::RECEIPTS),
            },
        }))
    }

    /// The message of ours that a stanza is about. Its sender is whom the message went to, or his
    /// server: an id alone may be guessed by anybody.
    fn note_of(&self, entity: EntityId, id: Option<&str>, from: &str) -> Option<NoteId> {
        let (note, peer) = self.sent.get(&(entity, id?.to_owned()))?;
        let fits = is_same(bare(from), peer) || is_same(from, domain(peer));
        fits.then_some(*note)
    }
}

impl Office {
    /// For whom a message is. For nobody here where a stranger writes to an account: he has written
    /// to the user's other clients, and is not to learn of this one.
    fn called(&self, from: &str, to: &str) -> Result<Option<Called>, Condition> {
        match self {
            Self::Component {
                meaning, callers, ..
            } => {
                if !is_one_of(callers, bare(from)) {
                    return Err(Condition::Forbidden);
                }
                address_of(to, *meaning)
                    .map(|address| Some(Called::Address(address)))
                    .map_err(|none| match none {
                        NoAddress::NoLocalPart => Condition::ServiceUnavailable,
                        NoAddress::NoJid | NoAddress::NotDialled | NoAddress::NoUri => {
                            Condition::ItemNotFound
                        }
                    })
            }
            Self::Account { owner, callers, .. } => {
                let is_known = is_one_of(callers, bare(from));
                Ok(is_known.then(|| Called::Owner(owner.clone())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Component, XmppAccount};

    const GW: EntityId = EntityId(0);
    const ALICE: EntityId = EntityId(1);

    fn chats() -> Chats {
        let mut config = Config::default();
        config.component.push(Component {
            domain: "gw.example".into(),
            callers: vec!["*@example.org".into()],
            ..Component::default()
        });
        config.xmpp_account.push(XmppAccount {
            jid: "alice@example.org".into(),
            owner: "alice".into(),
            callers: vec!["*@example.org".into()],
            ..XmppAccount::default()
        });
        let mut chats = Chats::new(&config);
        chats.online(ALICE, "alice@example.org/gw");
        chats
    }

    fn hear(chats: &Chats, entity: EntityId, attributes: &str, inside: &str) -> Heard {
        let text = format!("<message xmlns='jabber:client' {attributes}>{inside}</message>");
        chats.hear(entity, &text.parse().unwrap())
    }

    const FROM_JULIET: &str = "from='juliet@example.org/phone' to='+1555@gw.example' id='1'";

    #[test]
    fn body_is_said_and_a_receipt_answers_it_where_it_is_asked_for() {
        let chats = chats();
        let inside = "<body>hello</body><request xmlns='urn:xmpp:receipts'/>";
        let attributes = format!("{FROM_JULIET} type='chat'");
        let Heard::Said(said) = hear(&chats, GW, &attributes, inside) else {
            panic!()
        };
        assert_eq!(
            (said.from.as_str(), said.body.as_str()),
            ("juliet@example.org", "hello")
        );
        assert_eq!(said.to, Called::Address(Address::Telephone("+1555".into())));
        let receipt = said.head.receipt().unwrap();
        let received = receipt.get_child("received", ns::RECEIPTS).unwrap();
        assert_eq!(received.attr("id"), Some("1"));
        assert_eq!(
            (
                receipt.attr("to"),
                receipt.attr("from"),
                receipt.attr("type")
            ),
            (
                Some("juliet@example.org/phone"),
                Some("+1555@gw.example"),
                Some("chat")
            )
        );
        let Heard::Said(said) = hear(&chats, GW, FROM_JULIET, "<body>hello</body>") else {
            panic!()
        };
        assert_eq!(said.head.receipt(), None);
    }

    #[test]
    fn what_is_not_said_to_people_is_nothing() {
        let chats = chats();
        for (kind, inside) in [
            (
                "chat",
                "<active xmlns='http://jabber.org/protocol/chatstates'/>",
            ),
            ("chat", "<body> \n</body>"),
            ("chat", "<body xmlns='urn:other'>hello</body>"),
            ("groupchat", "<body>hello</body>"),
            ("headline", "<body>hello</body>"),
            ("error", "<body>hello</body>"),
        ] {
            let attributes = format!("{FROM_JULIET} type='{kind}'");
            assert_eq!(
                hear(&chats, GW, &attributes, inside),
                Heard::Nothing,
                "{kind} {inside}"
            );
        }
        assert_eq!(
            hear(&chats, ALICE, "", "<body>of the server</body>"),
            Heard::Nothing
        );
    }

    #[test]
    fn strangers_and_messages_to_nobody_are_refused() {
        let chats = chats();
        let heard = |from: &str, to: &str| {
            let attributes = format!("from='{from}' to='{to}'");
            hear(&chats, GW, &attributes, "<body>hello</body>")
        };
        assert_eq!(
            heard("mallory@example.net", "+1555@gw.example"),
            Heard::Refused(Condition::Forbidden)
        );
        assert_eq!(
            heard("juliet@example.org", "gw.example"),
            Heard::Refused(Condition::ServiceUnavailable)
        );
        assert_eq!(
            heard("juliet@example.org", "a\\3ab@gw.example"),
            Heard::Refused(Condition::ItemNotFound)
        );
        let attributes = "from='mallory@example.net/x' to='alice@example.org'";
        let written = hear(&chats, ALICE, attributes, "<body>hello</body>");
        assert_eq!(written, Heard::Nothing, "she learns nothing of this client");
    }

    #[test]
    fn receipt_and_error_are_of_whom_the_message_went_to() {
        let mut chats = chats();
        let (to, note) = ("juliet@example.org", NoteId(7));
        let message = chats.say(
            GW,
            note,
            "1001@gw.example",
            to,
            "hi",
            &mut Source::from_number(1),
        );
        assert_eq!(message.attr("from"), Some("1001@gw.example/crosspoint"));
        assert!(message.has_child("request", ns::RECEIPTS));
        let id = message.attr("id").unwrap();
        let received = format!("<received xmlns='urn:xmpp:receipts' id='{id}'/>");
        let of = |from: &str| format!("from='{from}' to='1001@gw.example'");
        for stranger in ["romeo@example.org", "example.com"] {
            assert_eq!(hear(&chats, GW, &of(stranger), &received), Heard::Nothing);
        }
        let juliet = of("Juliet@example.org/phone");
        assert_eq!(
            hear(&chats, GW, &juliet, &received),
            Heard::Outcome(note, None)
        );
        let error = format!("{} type='error' id='{id}'", of("example.org"));
        let inside = "<error type='cancel'><service-unavailable \
            xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
        assert_eq!(
            hear(&chats, GW, &error, inside),
            Heard::Outcome(note, Some(Condition::ServiceUnavailable))
        );
        assert_eq!(chats.undelivered(GW, &message), Some(note));
        chats.forget(note);
        assert_eq!(hear(&chats, GW, &juliet, &received), Heard::Nothing);
        assert!(chats.is_empty());
    }

    #[test]
    fn copies_of_what_was_sent_are_nothing_and_of_what_was_got_ask_for_no_receipt() {
        let chats = chats();
        let copy = |kind: &str, from: &str, to: &str| {
            let inside = format!(
                "<{kind} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
                 <message xmlns='jabber:client' type='chat' id='1' from='{from}' to='{to}'>\
                 <body>hello</body><request xmlns='urn:xmpp:receipts'/></message>\
                 </forwarded></{kind}>"
            );
            hear(&chats, ALICE, "from='alice@example.org'", &inside)
        };
        let (alice, bob) = ("alice@example.org/phone", "bob@example.org/x");
        assert_eq!(copy("sent", alice, bob), Heard::Nothing);
        let Heard::Said(said) = copy("received", bob, alice) else {
            panic!()
        };
        assert_eq!(said.to, Called::Owner("alice".into()));
        assert_eq!(said.head.receipt(), None);
    }
}
