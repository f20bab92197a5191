//! The dial plan: what is dialled becomes who is called.
//!
//! `user:` and `join:` are meetings of clients of this gateway. Everything else goes where the
//! first line of `[[route]]` that matches says, and nowhere without one. A Request-URI always has a
//! known trunk's host: no client can make this gateway call an arbitrary `sip:host:port`.
//!
//! ```text
//!   to ─▶ what the token allows ─▶ user:, join: ───────────────────────▶ Target::User, Join
//!         (else NotPermitted)      first line that matches ─▶ trunk ───▶ Target::Trunk
//!                                  (else NoRoute)            account     as the caller's account
//!                                                            component ─▶ Target::Chat
//!                                                            chat        as the caller's account
//!                                                            user, join
//!                                                            reject ───▶ Target::Reject
//! ```
//!
//! Spellings are made one before anything is compared (`dialled`), so that no line is passed by
//! writing a number in another way; what patterns are is said in `pattern`.

mod dialled;
mod pattern;

use self::dialled::{Dialled, bare_jid, is_of, unescaped};
use self::pattern::{filled, matched};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::config::{Account, Config, Route, Trunk};

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A client's user, on all of his connections.
    User(String),
    /// A rendezvous.
    Join(String),
    /// Somebody behind a trunk.
    Trunk {
        /// The trunk.
        trunk: String,
        /// The Request-URI.
        uri: String,
        /// The account to call as: its owner and its name.
        account: Option<(String, String)>,
    },
    /// Somebody at a chat server.
    Chat {
        /// As whom, and by which stream.
        via: Via,
        /// His address.
        jid: String,
    },
    /// Nobody.
    Reject(Cause),
}

/// By what a chat user is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By the component of this name.
    Component(String),
    /// By the account that this client user has at a chat server.
    Account(String),
}

impl std::fmt::Display for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Component(name) => write!(f, "component {name}"),
            Self::Account(owner) => write!(f, "the account of {owner}"),
        }
    }
}

/// Why a call is not routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No line of the dial plan matches.
    #[error("the dial plan has no line for this address")]
    NoRoute,
    /// The token does not allow it.
    #[error("the token does not allow this destination")]
    NotPermitted,
    /// The account is not this client's.
    #[error("this account is not one of the client's")]
    UnknownAccount,
    /// A SIP URI of a host that is not the trunk's.
    #[error("the host of this URI is not one that may be called")]
    ForeignHost,
}

/// What a client may do, as far as the dial plan has to know.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The user.
    pub user: &'a str,
    /// Accounts that he may use.
    pub accounts: &'a [String],
    /// What he may dial, as patterns; all that the plan allows where there are none.
    pub destinations: Option<&'a [String]>,
}

/// The dial plan.
#[derive(Clone, Debug, Default)]
pub struct DialPlan {
    routes: Vec<Route>,
    trunks: Vec<Trunk>,
    /// Those of the configuration, then those that clients have brought.
    accounts: Vec<Account>,
    /// How many of them the configuration has.
    kept: usize,
    user_calls: bool,
    join_calls: bool,
}

impl DialPlan {
    /// The plan of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            routes: config.route.clone(),
            trunks: config.trunk.clone(),
            accounts: config.account.clone(),
            kept: config.account.len(),
            user_calls: config.call.user_calls,
            join_calls: config.call.join_calls,
        }
    }

    /// Who a client calls.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn resolve(
        &self,
        to: &Address,
        caller: Caller<'_>,
        account: Option<&str>,
    ) -> Result<Target, Refused> {
        self.route(to, caller, account).1
    }

    /// Who a client calls, and the line of the plan that says so: none for a meeting of clients,
    /// and for what is refused before a line is looked for.
    pub fn route(
        &self,
        to: &Address,
        caller: Caller<'_>,
        account: Option<&str>,
    ) -> (Option<&Route>, Result<Target, Refused>) {
        let dialled = match self.permitted(to, caller) {
            Ok(dialled) => dialled,
            Err(refused) => return (None, Err(refused)),
        };
        match to {
            Address::User(name) if self.user_calls => {
                return (None, Ok(Target::User(name.clone())));
            }
            Address::Join(word) if self.join_calls => {
                return (None, Ok(Target::Join(word.clone())));
            }
            Address::User(_) | Address::Join(_) => return (None, Err(Refused::NoRoute)),
            Address::Uri(_) | Address::Chat(_) | Address::Telephone(_) | Address::Dialled(_) => {}
        }
        for route in &self.routes {
            let mut spellings = dialled.spellings();
            let mut star = spellings.find_map(|text| matched(&route.pattern, text));
            let is_forbidden = |text: String| matched(&route.pattern, &text).is_some();
            if star.is_none()
                && route.to.starts_with("reject")
                && dialled.forbidden_as().any(is_forbidden)
            {
                // Who is rejected is told nothing of what the `*` stood for.
                star = Some("");
            }
            if let Some(star) = star {
                let target = self.along(route, &dialled, star, caller, account);
                return (Some(route), target);
            }
        }
        (None, Err(Refused::NoRoute))
    }

    /// What was dialled, where the token allows it.
    fn permitted(&self, to: &Address, caller: Caller<'_>) -> Result<Dialled, Refused> {
        let dialled = Dialled::new(to, &self.trunks).ok_or(Refused::NoRoute)?;
        let is_permitted = caller.destinations.is_none_or(|patterns| {
            let mut spellings = dialled.spellings();
            spellings.any(|text| {
                patterns
                    .iter()
                    .any(|pattern| matched(pattern, text).is_some())
            })
        });
        match is_permitted {
            true => Ok(dialled),
            false => Err(Refused::NotPermitted),
        }
    }

    /// The trunk of this name.
    #[must_use]
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.name == name)
    }

    /// The trunk at which an address such as `sip:1001@pbx.example` registers.
    #[must_use]
    pub fn registrar_of(&self, uri: &str) -> Option<&Trunk> {
        let to = Address::parse(uri).ok()?;
        let host = Dialled::new(&to, &self.trunks)?.host?;
        self.trunks.iter().find(|trunk| is_of(trunk, &host))
    }

    /// The account of this name in the configuration.
    #[must_use]
    pub fn known_account(&self, name: &str) -> Option<&Account> {
        let mut kept = self.accounts.iter().take(self.kept);
        kept.find(|account| account.name == name)
    }

    /// A client has brought an account: he may call as it until it is taken back.
    pub fn bring(&mut self, account: Account) {
        self.take_back(&account.owner, &account.name);
        self.accounts.push(account);
    }

    /// An account that a client had brought is gone.
    pub fn take_back(&mut self, owner: &str, name: &str) {
        let mut place = 0;
        let kept = self.kept;
        self.accounts.retain(|account| {
            place += 1;
            place <= kept || account.owner != owner || account.name != name
        });
    }

    /// Who a call of a phone is for: the owner of the account it came for, else whom its trunk's
    /// calls are for, else whom the Request-URI names.
    #[must_use]
    pub fn incoming(
        &self,
        account_owner: Option<&str>,
        user: Option<&str>,
        trunk: Option<&str>,
    ) -> Option<Target> {
        if let Some(owner) = account_owner {
            return Some(Target::User(owner.to_owned()));
        }
        let named = user.filter(|user| !user.is_empty());
        if let Some(target) = self.incoming_chat(named, trunk) {
            return Some(target);
        }
        let to = trunk
            .and_then(|trunk| self.trunk(trunk)?.incoming_to.as_deref())
            .and_then(|to| to.strip_prefix("user:"))
            .unwrap_or("{}");
        if to.contains("{}") && named.is_none() {
            return None;
        }
        let user = filled(to, named.unwrap_or_default(), "");
        Some(Target::User(user))
    }

    /// The chat user whose address is the user part of a Request-URI (RFC 7247 §4.3), where the
    /// trunk's users may call such.
    fn incoming_chat(&self, user: Option<&str>, trunk: Option<&str>) -> Option<Target> {
        let name = self.trunk(trunk?)?.incoming_chat.clone()?;
        let jid = bare_jid(&unescaped(user?)?)?;
        let via = Via::Component(name);
        Some(Target::Chat { via, jid })
    }

    fn along(
        &self,
        route: &Route,
        dialled: &Dialled,
        star: &str,
        caller: Caller<'_>,
        account: Option<&str>,
    ) -> Result<Target, Refused> {
        let (kind, name) = route.to.split_once(':').unwrap_or((&route.to, ""));
        let whole = dialled.bare.as_deref().unwrap_or(&dialled.spelled);
        match kind {
            "trunk" => {
                let account = account.map(|name| self.account(name, caller)).transpose()?;
                let trunk = self.trunk(name).ok_or(Refused::NoRoute)?;
                let account = account.filter(|account| account.trunk == trunk.name);
                Self::at(trunk, account, route, dialled, star)
            }
            "account" => {
                let account = match account {
                    Some(name) => self.account(name, caller)?,
                    None => self.own_account(caller).ok_or(Refused::UnknownAccount)?,
                };
                let trunk = self.trunk(&account.trunk).ok_or(Refused::NoRoute)?;
                Self::at(trunk, Some(account), route, dialled, star)
            }
            "component" => {
                let via = Via::Component(name.to_owned());
                Self::chat(via, route, dialled, star)
            }
            "chat" => {
                let via = Via::Account(caller.user.to_owned());
                Self::chat(via, route, dialled, star)
            }
            "user" => Ok(Target::User(filled(name, whole, star))),
            "join" => Ok(Target::Join(filled(name, whole, star))),
            "reject" => Ok(Target::Reject(cause(name))),
            // The configuration was checked: no other line gets here.
            _ => Err(Refused::NoRoute),
        }
    }

    fn at(
        trunk: &Trunk,
        account: Option<&Account>,
        route: &Route,
        dialled: &Dialled,
        star: &str,
    ) -> Result<Target, Refused> {
        // A line that spells a scheme says itself whose users are this trunk's.
        let is_foreign = dialled
            .host
            .as_ref()
            .is_some_and(|host| !is_of(trunk, host));
        if is_foreign && !names_scheme(&route.pattern) {
            return Err(Refused::ForeignHost);
        }
        let whole = dialled.user.as_deref().or(dialled.bare.as_deref());
        let whole = whole.ok_or(Refused::ForeignHost)?;
        let user = match &route.dial {
            Some(template) => filled(template, whole, star),
            None => whole.to_owned(),
        };
        if user.is_empty() {
            return Err(Refused::NoRoute);
        }
        Ok(Target::Trunk {
            trunk: trunk.name.clone(),
            uri: request_uri(trunk, &user),
            account: account.map(|account| (account.owner.clone(), account.name.clone())),
        })
    }

    /// A chat user: whose address was dialled, or is made of what was. Nothing that was dialled can
    /// end the address that a template makes before its end: with a `/` in it, it is none.
    fn chat(via: Via, route: &Route, dialled: &Dialled, star: &str) -> Result<Target, Refused> {
        let whole = dialled.user.as_deref().or(dialled.bare.as_deref());
        let whole = whole.unwrap_or_default();
        let (jid, device) = match &route.dial {
            Some(template) => (filled(template, whole, star), None),
            None => (whole.to_owned(), dialled.device.as_ref()),
        };
        let mut jid = bare_jid(&jid).ok_or(Refused::NoRoute)?;
        if let Some(device) = device {
            jid = format!("{jid}/{device}");
        }
        Ok(Target::Chat { via, jid })
    }

    /// The account of this name that the client may use: his own before others that his token
    /// names.
    fn account(&self, name: &str, caller: Caller<'_>) -> Result<&Account, Refused> {
        let named = || self.accounts.iter().filter(|account| account.name == name);
        let own = named().find(|account| account.owner == caller.user);
        let is_allowed = caller.accounts.iter().any(|allowed| allowed == name);
        let other = self.known_account(name).filter(|_| is_allowed);
        own.or(other).ok_or(Refused::UnknownAccount)
    }

    /// The account that a client calls as who names none: the first of his token, else his own.
    fn own_account(&self, caller: Caller<'_>) -> Option<&Account> {
        let first = caller
            .accounts
            .iter()
            .find_map(|name| self.account(name, caller).ok());
        first.or_else(|| {
            self.accounts
                .iter()
                .find(|account| account.owner == caller.user)
        })
    }
}

/// The Request-URI at a trunk: this user at the trunk's host, the trunk's parameters kept.
fn request_uri(trunk: &Trunk, user: &str) -> String {
    let (scheme, rest) = trunk.uri.split_once(':').unwrap_or(("sip", &trunk.uri));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let mut uri = format!("{scheme}:");
    for byte in user.bytes() {
        // RFC 3261 §25.1: unreserved and user-unreserved stand for themselves.
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push('@');
    uri.push_str(host);
    uri
}

fn names_scheme(pattern: &str) -> bool {
    ["sip:", "sips:"]
        .iter()
        .any(|scheme| pattern.starts_with(scheme))
}

fn cause(name: &str) -> Cause {
    let known = Cause::ALL.into_iter().find(|cause| cause.name() == name);
    known.unwrap_or(Cause::Forbidden)
}

#[cfg(test)]
mod tests;
