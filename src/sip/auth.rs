//! Digest authentication as a client (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! Each realm of a challenge is answered, of several algorithms for one realm the strongest that is
//! understood. The same nonce is answered twice nowhere, a new one only where the server said
//! `stale` or had accepted the one before: a wrong password is told, not tried for ever.
//! The server's side is in `verify.rs`.

use super::digest::{Algorithm, Fields, Protection, Terms};
use super::message::{HeaderText, Response};
use super::name::Name;
use super::uri::quoted;
use crate::id::Source;

pub use super::digest::Subject;

/// A user and his password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name of the challenge's realm.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Why a challenge was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefused {
    /// The credentials were answered with a challenge again.
    #[error("the user name or password is wrong")]
    Wrong,
    /// No algorithm of the challenge is understood.
    #[error("the server asks for a kind of authentication that is not understood")]
    NotUnderstood,
}

/// Realms that one request may be authorized in: ours, a proxy's, the peer's, one to spare.
const REALMS_MAX: usize = 4;

/// Challenges that are answered before one is accepted, whatever they say: each realm once, and
/// once more for a nonce that went stale.
const ANSWERS_MAX: u32 = 8;

/// A challenge that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    algorithm: Algorithm,
    /// The algorithm as the server wrote it, where it did.
    name: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    protection: Option<Protection>,
    staleness: Staleness,
    origin: Origin,
}

/// Whether the server said that only the nonce was wrong (`stale=true`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Staleness {
    Fresh,
    Stale,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A user agent or registrar: 401, WWW-Authenticate.
    Server,
    /// A proxy: 407, Proxy-Authenticate.
    Proxy,
}

/// One realm's challenge, and how often its nonce was used (RFC 7616 §3.4, `nc`).
#[derive(Clone, Debug)]
struct Realm {
    challenge: Challenge,
    used: u32,
    standing: Standing,
}

/// Whether the credentials have ever been accepted under the challenge in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not yet: a new challenge means that they are wrong.
    Unproven,
    /// Yes: a new challenge means that the nonce has had its time.
    Proven,
}

/// Answers challenges for one user, and remembers the nonces it has answered.
#[derive(Clone, Debug, Default)]
pub struct Authorizer {
    realms: Vec<Realm>,
    answers: u32,
}

impl Authorizer {
    /// Takes a 401 or 407 and makes the header fields for the next try: the answer, and what
    /// earlier challenges of other realms were answered with (RFC 3261 §22.3).
    ///
    /// # Errors
    /// [`AuthRefused`]: nothing that would help can be said.
    pub fn answer(
        &mut self,
        response: &Response,
        subject: Subject<'_>,
        credentials: &Credentials,
        ids: &mut Source,
    ) -> Result<Vec<(Name, HeaderText)>, AuthRefused> {
        let challenges = strongest(response);
        if challenges.is_empty() {
            return Err(AuthRefused::NotUnderstood);
        }
        self.answers += 1;
        let refused = challenges.iter().any(|new| {
            self.realms
                .iter()
                .any(|old| old.challenge.is_of(new) && old.is_refused_by(new))
        });
        if refused || self.answers > ANSWERS_MAX {
            *self = Self::default();
            return Err(AuthRefused::Wrong);
        }
        for challenge in challenges {
            self.realms
                .retain(|known| !known.challenge.is_of(&challenge));
            if self.realms.len() == REALMS_MAX {
                self.realms.remove(0);
            }
            self.realms.push(Realm {
                challenge,
                used: 0,
                standing: Standing::Unproven,
            });
        }
        Ok(self.authorize(subject, credentials, ids))
    }

    /// The header fields for one more request under the challenges in use; none before the first.
    pub fn authorize(
        &mut self,
        subject: Subject<'_>,
        credentials: &Credentials,
        ids: &mut Source,
    ) -> Vec<(Name, HeaderText)> {
        let fields = self.realms.iter_mut().map(|realm| {
            realm.used += 1;
            let name = match realm.challenge.origin {
                Origin::Server => Name::Authorization,
                Origin::Proxy => Name::ProxyAuthorization,
            };
            let text = realm
                .challenge
                .answer(realm.used, &ids.token(), subject, credentials);
            (name, HeaderText::composed(text))
        });
        fields.collect()
    }

    /// The credentials were accepted: the next challenge, whenever it comes, is a new one.
    pub fn accepted(&mut self) {
        self.answers = 0;
        for realm in &mut self.realms {
            realm.standing = Standing::Proven;
        }
    }
}

impl Realm {
    /// Whether the new challenge says that what was sent for this one was wrong.
    fn is_refused_by(&self, new: &Challenge) -> bool {
        match (new.staleness, self.standing) {
            _ if self.challenge.nonce == new.nonce => true,
            (Staleness::Fresh, Standing::Unproven) => true,
            (Staleness::Stale, _) | (Staleness::Fresh, Standing::Proven) => false,
        }
    }
}

impl Challenge {
    fn parse(fields: &Fields, origin: Origin) -> Option<Self> {
        let name = fields.owned("algorithm");
        let algorithm = Algorithm::parse(name.as_deref())?;
        let protection = match fields.get("qop") {
            Some(list) => Some(Protection::chosen(list)?),
            None => None,
        };
        let stale = fields.get("stale");
        let staleness = match stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true")) {
            true => Staleness::Stale,
            false => Staleness::Fresh,
        };
        Some(Self {
            algorithm,
            name,
            realm: fields.owned("realm")?,
            nonce: fields.owned("nonce")?,
            opaque: fields.owned("opaque"),
            protection,
            staleness,
            origin,
        })
    }

    /// Whether both are for the same realm of the same party.
    fn is_of(&self, other: &Self) -> bool {
        self.realm == other.realm && self.origin == other.origin
    }

    /// The value of the header field (RFC 7616 §3.4).
    fn answer(
        &self,
        used: u32,
        cnonce: &str,
        subject: Subject<'_>,
        credentials: &Credentials,
    ) -> String {
        let Credentials { user, password } = credentials;
        let count = format!("{used:08x}");
        let terms = Terms {
            algorithm: self.algorithm,
            user,
            realm: &self.realm,
            nonce: &self.nonce,
            cnonce,
            protection: self.protection.map(|one| (one, count.as_str())),
        };
        let mut text = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\"",
            quoted(user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(subject.uri),
            terms.response(subject, password)
        );
        if let Some(name) = &self.name {
            text.push_str(&format!(", algorithm={name}"));
        }
        if let Some(opaque) = &self.opaque {
            text.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        if let Some(one) = self.protection {
            let one = one.as_str();
            text.push_str(&format!(", qop={one}, nc={count}, cnonce=\"{cnonce}\""));
        } else if self.algorithm.session {
            text.push_str(&format!(", cnonce=\"{cnonce}\""));
        }
        text
    }
}

/// For each realm the strongest challenge that is understood (RFC 8760 §2.4 says the topmost unless
/// local policy says otherwise: ours does).
fn strongest(response: &Response) -> Vec<Challenge> {
    let names = [
        (Name::WwwAuthenticate, Origin::Server),
        (Name::ProxyAuthenticate, Origin::Proxy),
    ];
    let mut best: Vec<Challenge> = Vec::new();
    for (name, origin) in &names {
        let all = response.headers.all(name).flat_map(Fields::all);
        for challenge in all.filter_map(|fields| Challenge::parse(&fields, *origin)) {
            match best.iter().position(|known| known.is_of(&challenge)) {
                Some(at) if best[at].algorithm.hash < challenge.algorithm.hash => {
                    best[at] = challenge;
                }
                Some(_) => {} // Not stronger than the one above it.
                None if best.len() < REALMS_MAX => best.push(challenge),
                None => {} // More realms than anybody has a password for.
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::Headers;
    use crate::sip::name::Method;

    fn response(fields: &[(Name, &str)]) -> Response {
        let mut response = Response {
            status: 401,
            reason: String::new(),
            headers: Headers::default(),
            body: vec![],
        };
        for (name, field) in fields {
            response
                .headers
                .push(name.clone(), HeaderText::composed(*field));
        }
        response
    }

    fn answers(
        authorizer: &mut Authorizer,
        fields: &[(Name, &str)],
    ) -> Result<Vec<(Name, String)>, AuthRefused> {
        let subject = Subject {
            method: &Method::Register,
            uri: "sip:x",
            body: b"",
        };
        let credentials = Credentials {
            user: "u".into(),
            password: "p".into(),
        };
        let mut ids = Source::from_number(1);
        let answered = authorizer.answer(&response(fields), subject, &credentials, &mut ids)?;
        let texts = answered.into_iter();
        Ok(texts
            .map(|(name, value)| (name, value.as_str().to_owned()))
            .collect())
    }

    fn answer(authorizer: &mut Authorizer, fields: &[&str]) -> Result<String, AuthRefused> {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| (Name::WwwAuthenticate, *field))
            .collect();
        answers(authorizer, &fields).map(|mut all| all.remove(0).1)
    }

    #[test]
    fn strongest_understood_challenge_is_answered() {
        let fields = [
            "Bearer realm=\"b\", Digest realm=\"a\\\"b\", nonce=\"1\", qop=\"auth,auth-int\"",
            "Digest realm=\"a\\\"b\", nonce=\"2\", algorithm=SHA-256, qop=\"auth-int,auth\"",
            "Digest realm=\"a\\\"b\", nonce=\"3\", algorithm=AKAv1-MD5",
        ];
        let text = answer(&mut Authorizer::default(), &fields).unwrap();
        assert!(
            text.contains("nonce=\"2\"") && text.contains("qop=auth,"),
            "{text}"
        );
        let text = answer(&mut Authorizer::default(), &fields[..1]).unwrap();
        assert!(text.contains("realm=\"a\\\"b\""), "{text}");
    }

    #[test]
    fn algorithm_is_named_as_the_server_named_it() {
        for name in ["MD5", "md5", "MD5-sess", "SHA-256", "SHA-256-sess"] {
            let field = format!("Digest realm=\"r\", nonce=\"1\", algorithm={name}, qop=auth-int");
            let text = answer(&mut Authorizer::default(), &[&field]).unwrap();
            assert!(text.contains(&format!("algorithm={name}")), "{text}");
            assert!(
                text.contains("qop=auth-int,") && text.contains("cnonce="),
                "{text}"
            );
        }
        let field = "Digest realm=\"r\", nonce=\"1\", opaque=\"\"";
        let text = answer(&mut Authorizer::default(), &[field]).unwrap();
        assert!(
            !text.contains("algorithm") && !text.contains("qop"),
            "{text}"
        );
        assert!(text.contains("opaque=\"\""), "{text}");
    }

    #[test]
    fn proxy_and_server_are_both_answered() {
        let server = (Name::WwwAuthenticate, "Digest realm=\"s\", nonce=\"1\"");
        let proxy = (Name::ProxyAuthenticate, "Digest realm=\"p\", nonce=\"2\"");
        let names = |all: &[(Name, String)]| all.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
        let both = [Name::ProxyAuthorization, Name::Authorization];

        let mut authorizer = Authorizer::default();
        let first = answers(&mut authorizer, std::slice::from_ref(&proxy)).unwrap();
        assert_eq!(names(&first), both[..1]);
        let second = answers(&mut authorizer, std::slice::from_ref(&server)).unwrap();
        assert_eq!(names(&second), both);

        let at_once = answers(&mut Authorizer::default(), &[server, proxy]).unwrap();
        assert_eq!(at_once.len(), 2);
    }

    #[test]
    fn two_parties_that_never_have_enough_are_given_up() {
        let mut authorizer = Authorizer::default();
        let mut nonce = 0;
        let mut challenge = |stale: &str, name: Name| {
            nonce += 1;
            let field = format!("Digest realm=\"r\", nonce=\"{nonce}\"{stale}");
            answers(&mut authorizer, &[(name, field.as_str())])
        };
        let turns = [Name::WwwAuthenticate, Name::ProxyAuthenticate];
        let result = (0..20).find_map(|turn| {
            let name = turns[turn % 2].clone();
            challenge(", stale=true", name).err().map(|_| turn)
        });
        assert_eq!(result, Some(8));
    }

    #[test]
    fn nonce_is_counted() {
        let mut authorizer = Authorizer::default();
        let first = ["Digest realm=\"r\", nonce=\"1\", qop=\"auth\""];
        assert!(
            answer(&mut authorizer, &first)
                .unwrap()
                .contains("nc=00000001")
        );
        let subject = Subject {
            method: &Method::Register,
            uri: "sip:x",
            body: b"",
        };
        let credentials = Credentials {
            user: "u".into(),
            password: "p".into(),
        };
        let mut ids = Source::from_number(2);
        let again = authorizer.authorize(subject, &credentials, &mut ids);
        assert!(again[0].1.as_str().contains("nc=00000002"));
        assert!(
            Authorizer::default()
                .authorize(subject, &credentials, &mut ids)
                .is_empty()
        );
    }

    #[test]
    fn wrong_password_is_not_tried_for_ever() {
        let mut authorizer = Authorizer::default();
        let first = ["Digest realm=\"r\", nonce=\"1\", qop=\"auth\""];
        assert!(answer(&mut authorizer, &first).is_ok());
        let again = ["Digest realm=\"r\", nonce=\"2\", qop=\"auth\""];
        assert_eq!(answer(&mut authorizer, &again), Err(AuthRefused::Wrong));
    }

    #[test]
    fn stale_nonce_is_answered_with_the_new_one() {
        let mut authorizer = Authorizer::default();
        assert!(answer(&mut authorizer, &["Digest realm=\"r\", nonce=\"1\""]).is_ok());
        let stale = ["Digest realm=\"r\", nonce=\"2\", stale=TRUE"];
        assert!(
            answer(&mut authorizer, &stale)
                .unwrap()
                .contains("nonce=\"2\"")
        );
        assert_eq!(answer(&mut authorizer, &stale), Err(AuthRefused::Wrong));
    }

    #[test]
    fn nonce_that_was_good_once_may_be_replaced() {
        let mut authorizer = Authorizer::default();
        assert!(answer(&mut authorizer, &["Digest realm=\"r\", nonce=\"1\""]).is_ok());
        authorizer.accepted();
        assert!(answer(&mut authorizer, &["Digest realm=\"r\", nonce=\"2\""]).is_ok());
    }

    #[test]
    fn kinds_that_are_not_understood_are_told() {
        let fields = [
            "Digest realm=\"k\", nonce=\"3\", algorithm=AKAv1-MD5",
            "Basic realm=\"x\"",
        ];
        assert_eq!(
            answer(&mut Authorizer::default(), &fields),
            Err(AuthRefused::NotUnderstood)
        );
    }

    #[test]
    fn password_is_not_printed() {
        let credentials = Credentials {
            user: "u".into(),
            password: "hush".into(),
        };
        assert!(!format!("{credentials:?}").contains("hush"));
    }
}
