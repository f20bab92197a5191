//! The dial plan: what is dialled becomes who is called.
//!
//! `user:` and `join:` are meetings of clients of this gateway. Everything else goes where the
//! first
//! line of `[[route]]` that matches says, and nowhere without one: a client cannot make this
//! gateway
//! call an arbitrary `sip:host:port`.

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
    /// Nobody.
    Reject(Cause),
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
    accounts: Vec<Account>,
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
        let dialled = to.to_string();
        let permitted = caller.destinations.is_none_or(|patterns| {
            patterns
                .iter()
                .any(|pattern| matched(pattern, &dialled).is_some())
        });
        if !permitted {
            return Err(Refused::NotPermitted);
        }
        match to {
            Address::User(name) if self.user_calls => return Ok(Target::User(name.clone())),
            Address::Join(word) if self.join_calls => return Ok(Target::Join(word.clone())),
            Address::User(_) | Address::Join(_) => return Err(Refused::NoRoute),
            Address::Uri(_) | Address::Telephone(_) | Address::Dialled(_) => {}
        }
        let bare = dialled.strip_prefix("tel:").unwrap_or(&dialled);
        for route in &self.routes {
            let star = matched(&route.pattern, &dialled).or_else(|| matched(&route.pattern, bare));
            let Some(star) = star else { continue };
            let dialled = match &route.dial {
                Some(template) => template.replace("{*}", star).replace("{}", bare),
                None => bare.to_owned(),
            };
            return self.along(route, &dialled, caller, account);
        }
        Err(Refused::NoRoute)
    }

    fn along(
        &self,
        route: &Route,
        dialled: &str,
        caller: Caller<'_>,
        account: Option<&str>,
    ) -> Result<Target, Refused> {
        let (kind, name) = route.to.split_once(':').unwrap_or((&route.to, ""));
        match kind {
            "trunk" => {
                let account = account.map(|name| self.account(name, caller)).transpose()?;
                let trunk = self.trunk(name).ok_or(Refused::NoRoute)?;
                let account = account.filter(|account| account.2 == trunk.name);
                let account = account.map(|(owner, name, _)| (owner, name));
                let uri = request_uri(trunk, dialled)?;
                Ok(Target::Trunk {
                    trunk: trunk.name.clone(),
                    uri,
                    account,
                })
            }
            "account" => {
                let name = account.or_else(|| caller.accounts.first().map(String::as_str));
                let (owner, name, trunk) =
                    self.account(name.ok_or(Refused::UnknownAccount)?, caller)?;
                let trunk = self.trunk(&trunk).ok_or(Refused::NoRoute)?;
                let uri = request_uri(trunk, dialled)?;
                let account = Some((owner, name));
                Ok(Target::Trunk {
                    trunk: trunk.name.clone(),
                    uri,
                    account,
                })
            }
            "user" => Ok(Target::User(name.to_owned())),
            "join" => Ok(Target::Join(name.to_owned())),
            "reject" => Ok(Target::Reject(cause(name))),
            _ => Err(Refused::NoRoute),
        }
    }

    /// An account that the client may use: owner, name, trunk.
    fn account(&self, name: &str, caller: Caller<'_>) -> Result<(String, String, String), Refused> {
        let account = self.accounts.iter().find(|account| {
            account.name == name
                && (account.owner == caller.user
                    || caller.accounts.iter().any(|allowed| allowed == name))
        });
        let account = account.ok_or(Refused::UnknownAccount)?;
        Ok((
            account.owner.clone(),
            account.name.clone(),
            account.trunk.clone(),
        ))
    }

    /// The trunk of this name.
    #[must_use]
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.name == name)
    }

    /// The account of this name.
    #[must_use]
    pub fn known_account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// Who a call of a phone is for: the owner of the account it came for, else whom the
    /// Request-URI
    /// names, else whom its trunk's calls are for.
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
        let otherwise = trunk
            .and_then(|trunk| self.trunk(trunk))
            .and_then(|trunk| trunk.incoming_to.as_deref())
            .and_then(|to| to.strip_prefix("user:"));
        let user = otherwise.or(user).filter(|user| !user.is_empty())?;
        Some(Target::User(user.to_owned()))
    }
}

/// What the `*` of a pattern stands for, where the pattern matches: the empty text where it has
/// none.
fn matched<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        None => (pattern == text).then_some(""),
        Some((before, after)) => {
            let rest = text.strip_prefix(before)?;
            rest.strip_suffix(after)
        }
    }
}

/// The Request-URI at a trunk: the dialled user at the trunk's host.
fn request_uri(trunk: &Trunk, dialled: &str) -> Result<String, Refused> {
    let (scheme, rest) = trunk.uri.split_once(':').ok_or(Refused::NoRoute)?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let user = match dialled
        .strip_prefix("sip:")
        .or_else(|| dialled.strip_prefix("sips:"))
    {
        None => dialled.to_owned(),
        Some(uri) => {
            let (user, named) = uri.rsplit_once('@').ok_or(Refused::ForeignHost)?;
            let bare = |host: &str| {
                let end = host.find([';', '?']).unwrap_or(host.len());
                host[..end].to_lowercase()
            };
            let named = bare(named);
            let ours = bare(host);
            let without_port = ours
                .rsplit_once(':')
                .map_or(ours.as_str(), |(host, _)| host);
            if named != ours && named != without_port {
                return Err(Refused::ForeignHost);
            }
            user.to_owned()
        }
    };
    let escaped: String = user
        .bytes()
        .map(|byte| match byte {
            b if b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%".contains(&b) => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect();
    Ok(format!("{scheme}:{escaped}@{host}"))
}

fn cause(name: &str) -> Cause {
    Cause::ALL
        .into_iter()
        .find(|cause| cause.name() == name)
        .unwrap_or(Cause::Forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(routes: &[(&str, &str, Option<&str>)]) -> DialPlan {
        let route = routes
            .iter()
            .map(|(pattern, to, dial)| Route {
                pattern: (*pattern).into(),
                to: (*to).into(),
                dial: dial.map(str::to_owned),
            })
            .collect();
        let trunk = Trunk {
            name: "pbx".into(),
            uri: "sip:pbx.example:5160;transport=tcp".into(),
            ..Trunk::default()
        };
        let account = Account {
            name: "desk".into(),
            owner: "alice".into(),
            trunk: "pbx".into(),
            ..Account::default()
        };
        DialPlan::new(&Config {
            route,
            trunk: vec![trunk],
            account: vec![account],
            ..Config::default()
        })
    }

    const ALICE: Caller<'static> = Caller {
        user: "alice",
        accounts: &[],
        destinations: None,
    };

    fn uri(plan: &DialPlan, to: &str) -> Result<String, Refused> {
        match plan.resolve(&Address::parse(to).unwrap(), ALICE, None)? {
            Target::Trunk { uri, .. } => Ok(uri),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn first_line_that_matches_counts() {
        let plan = plan(&[
            ("00*", "reject:forbidden", None),
            ("0*", "trunk:pbx", Some("9{*}")),
            ("tel:*", "trunk:pbx", None),
        ]);
        assert_eq!(
            uri(&plan, "0123").unwrap(),
            "sip:9123@pbx.example:5160;transport=tcp"
        );
        assert_eq!(
            uri(&plan, "tel:+15").unwrap(),
            "sip:+15@pbx.example:5160;transport=tcp"
        );
        let to = Address::parse("0044").unwrap();
        assert_eq!(
            plan.resolve(&to, ALICE, None),
            Ok(Target::Reject(Cause::Forbidden))
        );
        assert_eq!(uri(&plan, "77"), Err(Refused::NoRoute));
    }

    #[test]
    fn arbitrary_host_cannot_be_called() {
        let plan = plan(&[("*", "trunk:pbx", None)]);
        assert_eq!(
            uri(&plan, "sip:a@192.0.2.66:5060"),
            Err(Refused::ForeignHost)
        );
        assert!(uri(&plan, "sip:600@pbx.example").is_ok());
        assert_eq!(
            uri(&plan, "a@b").unwrap(),
            "sip:a%40b@pbx.example:5160;transport=tcp"
        );
    }

    #[test]
    fn token_bounds_what_is_dialled() {
        let plan = plan(&[("*", "trunk:pbx", None)]);
        let allowed = ["6*".to_owned(), "user:*".to_owned()];
        let caller = Caller {
            destinations: Some(&allowed),
            ..ALICE
        };
        let to = |text| Address::parse(text).unwrap();
        assert!(plan.resolve(&to("600"), caller, None).is_ok());
        assert!(plan.resolve(&to("user:bob"), caller, None).is_ok());
        assert_eq!(
            plan.resolve(&to("700"), caller, None),
            Err(Refused::NotPermitted)
        );
    }

    #[test]
    fn account_is_used_by_its_owner_only() {
        let plan = plan(&[("*", "account", None)]);
        let to = Address::parse("600").unwrap();
        assert!(plan.resolve(&to, ALICE, Some("desk")).is_ok());
        let bob = Caller {
            user: "bob",
            ..ALICE
        };
        assert_eq!(
            plan.resolve(&to, bob, Some("desk")),
            Err(Refused::UnknownAccount)
        );
    }

    #[test]
    fn incoming_call_is_for_the_account_then_the_uri() {
        let plan = plan(&[]);
        let owner = plan.incoming(Some("alice"), Some("token"), Some("pbx"));
        assert_eq!(owner, Some(Target::User("alice".into())));
        let named = plan.incoming(None, Some("bob"), Some("pbx"));
        assert_eq!(named, Some(Target::User("bob".into())));
        assert_eq!(plan.incoming(None, None, Some("pbx")), None);
    }
}
