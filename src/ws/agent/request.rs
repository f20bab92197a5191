//! What a client that is in asks for: everything but calls is done here.

use std::time::Instant;

use super::{Agent, Event};
use crate::address::Address;
use crate::config;
use crate::id::Source;
use crate::ws::code::{Code, close};
use crate::ws::connection::ConnectionId;
use crate::ws::frame::{AccountAdd, AccountRemove, ClientFrame, Parsed, Ping, ServerFrame};
use crate::ws::leg::Fault;
use crate::ws::replay::Repeat;
use crate::ws::session::SessionId;

/// Accounts that one session may bring.
const BROUGHT_MAX: usize = 8;

impl Agent {
    /// A frame of a client that is in.
    pub(super) fn frame(
        &mut self,
        connection: ConnectionId,
        id: SessionId,
        parsed: Parsed,
        text: &str,
        ids: &mut Source,
        now: Instant,
    ) {
        let Parsed { frame, ack } = parsed;
        if let Some(ack) = ack {
            self.acknowledged(id, ack);
        }
        match &frame {
            ClientFrame::Ack(_) => return, // Taken above, as of any frame.
            ClientFrame::Ping(Ping { id }) => {
                return self.send(connection, &ServerFrame::Pong { id: id.clone() });
            }
            ClientFrame::Hello(_) => {
                let reason = "the client has said hello already";
                self.error(connection, None, &Fault::new(Code::BadState, reason));
                return self.close(connection, close::BAD_HELLO, reason, now);
            }
            _ => {} // A request.
        }
        if self.answered_before(connection, id, &frame) {
            return;
        }
        if let Err(fault) = self.permitted(id, &frame) {
            if let ClientFrame::CallCreate(create) = &frame {
                return self.not_taken(id, create, text, &fault, ids, now);
            }
            let (request, call) = (frame.id(), frame.call());
            return self.refused(id, request, call, &fault);
        }
        match frame {
            ClientFrame::TokenRefresh(refresh) => self.refresh(id, refresh, now),
            ClientFrame::AccountAdd(add) => self.add_account(id, add),
            ClientFrame::AccountRemove(remove) => self.remove_account(id, &remove),
            ClientFrame::CallCreate(create) => self.create(id, create, text, ids, now),
            ClientFrame::MessageSend(send) => self.send_text(id, send),
            frame => self.call_frame(id, frame, text, now),
        }
    }

    /// Whether a request was made before; then it gets the reply that it got.
    fn answered_before(
        &mut self,
        connection: ConnectionId,
        id: SessionId,
        frame: &ClientFrame,
    ) -> bool {
        let (Some(request), Some(session)) = (frame.id(), self.sessions.get_mut(&id)) else {
            return false;
        };
        match session.replies.repeated(request, frame.digest()) {
            Repeat::New => false,
            Repeat::Replied(text) => {
                self.counts.repeats += 1;
                self.events.push_back(Event::Send { connection, text });
                true
            }
            Repeat::Pending => true,
        }
    }

    /// Whether the token allows a request. What finishes a call, or is a part of one that was
    /// allowed, always is.
    fn permitted(&self, id: SessionId, frame: &ClientFrame) -> Result<(), Fault> {
        let verb = match frame {
            ClientFrame::AccountAdd(_)
            | ClientFrame::AccountRemove(_)
            | ClientFrame::CallCreate(_)
            | ClientFrame::CallAccept(_)
            | ClientFrame::CallHold(_)
            | ClientFrame::CallResume(_)
            | ClientFrame::CallDtmf(_)
            | ClientFrame::MessageSend(_) => frame.name(),
            ClientFrame::CallProgress(_) => "call.accept",
            ClientFrame::Hello(_)
            | ClientFrame::TokenRefresh(_)
            | ClientFrame::Ack(_)
            | ClientFrame::Ping(_)
            | ClientFrame::CallRing(_)
            | ClientFrame::CallReject(_)
            | ClientFrame::CallEnd(_)
            | ClientFrame::CallDescription(_)
            | ClientFrame::CallCandidate(_) => return Ok(()),
        };
        match self
            .sessions
            .get(&id)
            .is_some_and(|session| session.permissions.allows(verb))
        {
            true => Ok(()),
            false => Err(Fault::new(
                Code::Forbidden,
                format!("the token does not allow {verb}"),
            )),
        }
    }

    // --- accounts ---

    fn add_account(&mut self, id: SessionId, add: AccountAdd) {
        let request = add.id.clone();
        match self.account_to_add(id, add) {
            Ok((user, account, brought)) => {
                self.reply(id, &request, None);
                self.events.push_back(Event::AddAccount {
                    user,
                    account,
                    brought,
                });
            }
            Err(fault) => self.refused(id, Some(&request), None, &fault),
        }
    }

    fn account_to_add(
        &mut self,
        id: SessionId,
        add: AccountAdd,
    ) -> Result<(String, String, Option<Box<config::Account>>), Fault> {
        let AccountAdd {
            account,
            uri,
            user: name,
            password,
            display_name,
            ..
        } = add;
        let Some(session) = self.sessions.get_mut(&id) else {
            return Err(Fault::new(Code::Internal, "the session is gone"));
        };
        let (owner, named) = (&session.permissions.user, &session.permissions.accounts);
        let Some(uri) = uri else {
            let own = self.kept.get(&account).is_some_and(|(of, _)| of == owner);
            return match own || named.contains(&account) {
                true => Ok((owner.clone(), account, None)),
                false => Err(Fault::new(
                    Code::UnknownAccount,
                    "the token names no such account",
                )),
            };
        };
        if !self.auth.accounts_from_clients {
            let message = "this gateway takes no accounts from clients";
            return Err(Fault::new(Code::Forbidden, message));
        }
        if self.kept.contains_key(&account) {
            return Err(Fault::new(
                Code::Conflict,
                "the gateway has an account of this name",
            ));
        }
        if !matches!(Address::parse(&uri), Ok(Address::Uri(_))) || !uri.contains('@') {
            let message = "uri: expected an address such as sip:1001@pbx.example";
            return Err(Fault::new(Code::BadAddress, message));
        }
        if !session.brought.contains(&account) {
            if session.brought.len() >= BROUGHT_MAX {
                let message = format!("a session may bring {BROUGHT_MAX} accounts");
                return Err(Fault::new(Code::AccountRefused, message));
            }
            session.brought.push(account.clone());
        }
        let brought = config::Account {
            name: account.clone(),
            uri,
            user: name,
            password: config::Secret::new(password.unwrap_or_default().0),
            owner: owner.clone(),
            display_name,
            ..config::Account::default()
        };
        Ok((owner.clone(), account, Some(Box::new(brought))))
    }

    fn remove_account(&mut self, id: SessionId, remove: &AccountRemove) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(place) = session
            .brought
            .iter()
            .position(|known| *known == remove.account)
        else {
            let message = "only an account that this client brought can be removed";
            let fault = Fault::new(Code::UnknownAccount, message);
            return self.refused(id, Some(&remove.id), None, &fault);
        };
        let account = session.brought.remove(place);
        let user = session.permissions.user.clone();
        self.reply(id, &remove.id, None);
        self.abandon(&user, id, account);
    }

    /// A session has no more use for an account that it brought; another one of the user may have.
    pub(super) fn abandon(&mut self, user: &str, by: SessionId, account: String) {
        let others = self
            .sessions_of(user)
            .into_iter()
            .filter(|other| *other != by);
        let wanted = others
            .filter_map(|other| self.sessions.get(&other))
            .any(|session| session.brought.contains(&account));
        if !wanted {
            let user = user.to_owned();
            self.standings.remove(&(user.clone(), account.clone()));
            self.events
                .push_back(Event::RemoveAccount { user, account });
        }
    }
}
