//! Who may come in: nobody, unless the configuration opens a way.
//!
//! A token is looked for among the users of the configuration, then, where it has the form of one,
//! read as a signed one (JWT, RFC 7519), then asked about at the operator's endpoint. The first way
//! that knows it says what the client may do. Without a token a client comes in as a guest, where
//! the configuration lets everybody in.
//!
//! Signed tokens must end (`exp`); times are compared with the clock that is given. The algorithm
//! is the key's and never the token's choice (RFC 8725 §3.1).

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Deserializer, Serialize};

use super::code::Code;
use crate::ask::{Question, Secret};
use crate::config;

/// What a client may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The user.
    pub user: String,
    /// Accounts of the configuration that he may use.
    pub accounts: Vec<String>,
    /// What may be dialled, as patterns; `None` for all that the dial plan allows.
    pub destinations: Option<Vec<String>>,
    /// Calls at once; `None` for what the configuration says.
    pub calls_max: Option<usize>,
    /// Requests that may be made, by type: `call.create`, `call.*`; `None` for all.
    pub verbs: Option<Vec<String>>,
    /// When this ends, in seconds since 1970.
    pub expires_at: Option<u64>,
}

/// What a token says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The user.
    #[serde(alias = "user")]
    pub sub: String,
    /// Accounts of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// What may be dialled; nothing where it says `null`.
    #[serde(
        default,
        deserialize_with = "named",
        skip_serializing_if = "Option::is_none"
    )]
    pub destinations: Option<Vec<String>>,
    /// Calls at once.
    #[serde(default, alias = "max_calls", skip_serializing_if = "Option::is_none")]
    pub calls_max: Option<usize>,
    /// Requests that may be made; none where it says `null`.
    #[serde(
        default,
        deserialize_with = "named",
        skip_serializing_if = "Option::is_none"
    )]
    pub verbs: Option<Vec<String>>,
    /// When it ends, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// From when on it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// For whom it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<serde_json::Value>,
    /// Of an answer of the endpoint: `false` for a token that does not count (RFC 7662 §2.2).
    #[serde(default, skip_serializing)]
    pub active: Option<bool>,
}

/// Whether a client comes in.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// It does.
    In(Permissions),
    /// It does, as a guest without a name of his own.
    Guest,
    /// It does not.
    Out(Code, &'static str),
    /// The operator's endpoint is asked.
    Ask(Question),
}

/// The ways in.
#[derive(Debug)]
pub struct Doorkeeper {
    settings: config::Auth,
    keys: Vec<Jwk>,
}

/// Bytes that a token may have.
const TOKEN_MAX: usize = 16 * 1024;

/// Bytes that a user's name may have.
const USER_MAX: usize = 128;

impl Doorkeeper {
    /// The ways that the configuration opens.
    #[must_use]
    pub fn new(settings: &config::Auth) -> Self {
        Self {
            settings: settings.clone(),
            keys: Vec::new(),
        }
    }

    /// The key set has arrived (RFC 7517 §5). Returns how many of its keys can be used; what is no
    /// key set at all leaves the old keys as they are.
    ///
    /// # Errors
    /// The text is no key set.
    pub fn set_keys(&mut self, text: &str) -> Result<usize, serde_json::Error> {
        let JwkSet { keys } = serde_json::from_str(text)?;
        let usable = keys.into_iter().filter(|key| algorithm_of(key).is_some());
        let usable: Vec<_> = usable.collect();
        let count = usable.len();
        // A set that holds nothing to use is a mistake somewhere: it locks nobody out.
        if count > 0 {
            self.keys = usable;
        }
        Ok(count)
    }

    /// Looks at a token; `unix` is the time in seconds since 1970.
    #[must_use]
    pub fn look(&self, token: Option<&Secret>, unix: u64) -> Verdict {
        let settings = &self.settings;
        let Some(Secret(token)) = token.filter(|token| !token.0.is_empty()) else {
            return match settings.anonymous {
                true => Verdict::Guest,
                false => Verdict::Out(Code::NotAuthenticated, "a token is needed"),
            };
        };
        if token.len() > TOKEN_MAX {
            return Verdict::Out(Code::TokenInvalid, "the token is too long");
        }
        if let Some(user) = settings
            .user
            .iter()
            .find(|user| same(user.token.reveal(), token))
        {
            return Verdict::In(of_user(user));
        }
        if let Some(jwt) = settings
            .jwt
            .as_ref()
            .filter(|_| token.matches('.').count() == 2)
        {
            return match self.signed(jwt, token) {
                Some(Claims { exp: None, .. }) => {
                    Verdict::Out(Code::TokenInvalid, "the token does not say when it ends")
                }
                Some(claims) => in_time(claims, jwt.leeway, unix),
                None => Verdict::Out(Code::TokenInvalid, "the token's signature is not accepted"),
            };
        }
        if settings.http.is_some() {
            return Verdict::Ask(Question::Introspect {
                token: Secret(token.clone()),
            });
        }
        // Where everybody comes in without a token, one that nobody can check keeps nobody out.
        if settings.anonymous && settings.jwt.is_none() && settings.user.is_empty() {
            return Verdict::Guest;
        }
        Verdict::Out(Code::TokenInvalid, "the token is not known")
    }

    /// What the operator's endpoint said: the claims as JSON, or `null`.
    #[must_use]
    pub fn introspected(&self, json: &str, unix: u64) -> Verdict {
        match serde_json::from_str::<Option<Claims>>(json) {
            Ok(
                None
                | Some(Claims {
                    active: Some(false),
                    ..
                }),
            ) => Verdict::Out(Code::TokenInvalid, "the token is not known"),
            Ok(Some(claims)) => in_time(claims, Duration::ZERO, unix),
            Err(error) => {
                tracing::warn!(%error, "the answer of the endpoint that knows tokens is no claims");
                Verdict::Out(Code::Internal, "tokens cannot be checked at the moment")
            }
        }
    }

    /// The claims of a token that one of the keys has signed.
    fn signed(&self, jwt: &config::Jwt, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let validation = validation(jwt, header.alg);
        let decode = |key: &DecodingKey| {
            jsonwebtoken::decode::<Claims>(token, key, &validation)
                .ok()
                .map(|data| data.claims)
        };
        let own = match header.alg {
            Algorithm::HS256 => jwt
                .hs256_secret
                .as_ref()
                .map(|secret| DecodingKey::from_secret(secret.reveal().as_bytes())),
            Algorithm::EdDSA => jwt.eddsa_public_key.as_ref().and_then(|key| ed_key(key)),
            Algorithm::RS256 | Algorithm::ES256 => None,
            _ => return None,
        };
        if let Some(claims) = own.as_ref().and_then(decode) {
            return Some(claims);
        }
        let named = |jwk: &&Jwk| {
            header.kid.is_none() || jwk.common.key_id.is_none() || jwk.common.key_id == header.kid
        };
        let fitting = self
            .keys
            .iter()
            .filter(|jwk| algorithm_of(jwk) == Some(header.alg));
        let mut keys = fitting
            .filter(named)
            .filter_map(|jwk| DecodingKey::from_jwk(jwk).ok());
        keys.find_map(|key| decode(&key))
    }
}

impl Permissions {
    /// A guest: nothing but his name.
    #[must_use]
    pub fn guest(name: String) -> Self {
        Self {
            user: name,
            ..Self::default()
        }
    }

    /// Whether a request of this type may be made.
    #[must_use]
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.as_ref().is_none_or(|verbs| {
            verbs.iter().any(|allowed| match allowed.strip_suffix('*') {
                Some(noun) => verb.starts_with(noun),
                None => allowed == verb,
            })
        })
    }
}

/// The one algorithm of a key from a key set; `None` for keys that are not used here. A shared
/// secret has no business in a set of public keys.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(_) => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        _ => return None,
    };
    match jwk.common.key_algorithm {
        Some(named) if named != algorithm.into() => None,
        Some(_) | None => Some(algorithm),
    }
}

/// A public key in PEM, or its bare base64.
fn ed_key(key: &str) -> Option<DecodingKey> {
    match key.trim_start().starts_with("-----") {
        true => DecodingKey::from_ed_pem(key.as_bytes()).ok(),
        false => DecodingKey::from_ed_components(key.trim()).ok(),
    }
}

fn validation(jwt: &config::Jwt, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    // Times are compared here, with the clock that is given.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.required_spec_claims.clear();
    match &jwt.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        None => validation.validate_aud = false,
    }
    if let Some(issuer) = &jwt.issuer {
        validation.set_issuer(&[issuer]);
        validation.required_spec_claims.insert("iss".to_owned());
    }
    validation
}

fn of_user(user: &config::User) -> Permissions {
    Permissions {
        user: user.name.clone(),
        accounts: user.accounts.clone(),
        destinations: user.destinations.clone(),
        calls_max: user.calls_max,
        verbs: None,
        expires_at: None,
    }
}

/// Whether the claims count now.
fn in_time(claims: Claims, leeway: Duration, unix: u64) -> Verdict {
    let leeway = leeway.as_secs();
    let ends_at = claims.exp.map(|exp| exp.saturating_add(leeway));
    if ends_at.is_some_and(|end| end <= unix) {
        return Verdict::Out(Code::TokenExpired, "the token has expired");
    }
    if claims
        .nbf
        .is_some_and(|begin| begin > unix.saturating_add(leeway))
    {
        return Verdict::Out(Code::TokenInvalid, "the token does not count yet");
    }
    if !is_user(&claims.sub) {
        return Verdict::Out(Code::TokenInvalid, "the token names no user");
    }
    Verdict::In(Permissions {
        user: claims.sub,
        accounts: claims.accounts,
        destinations: claims.destinations,
        calls_max: claims.calls_max,
        verbs: claims.verbs,
        expires_at: ends_at,
    })
}

/// Whether a name can be a user's: it becomes a part of addresses.
fn is_user(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= USER_MAX
        && crate::address::Address::parse(&format!("user:{name}")).is_ok()
}

/// Compares without telling by its time where the first difference is.
fn same(one: &str, other: &str) -> bool {
    let differ = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differ == 0 && !one.is_empty()
}

/// Makes a token, signed with HS256.
///
/// # Errors
/// What the library says.
pub fn mint(claims: &Claims, secret: &str) -> Result<String, String> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(Algorithm::HS256, claims, &key)
}

/// Makes a token, signed with `EdDSA` by a private key in PEM.
///
/// # Errors
/// What the library says.
pub fn mint_eddsa(claims: &Claims, private_key: &str) -> Result<String, String> {
    let key = EncodingKey::from_ed_pem(private_key.as_bytes()).map_err(|e| e.to_string())?;
    encode(Algorithm::EdDSA, claims, &key)
}

fn encode(algorithm: Algorithm, claims: &Claims, key: &EncodingKey) -> Result<String, String> {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).map_err(|e| e.to_string())
}

/// The claims for a user, that end after a while.
#[must_use]
pub fn claims(user: &str, now_unix: u64, lasts: Duration) -> Claims {
    let exp = Some(now_unix.saturating_add(lasts.as_secs()));
    Claims {
        sub: user.to_owned(),
        exp,
        ..Claims::default()
    }
}

/// A list that is there bounds, even where it is empty or `null`: only one that is not there does
/// not.
fn named<'de, D: Deserializer<'de>>(list: D) -> Result<Option<Vec<String>>, D::Error> {
    Option::<Vec<String>>::deserialize(list).map(|list| Some(list.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn token(text: &str) -> Option<Secret> {
        Some(Secret(text.to_owned()))
    }

    fn with_jwt(change: impl FnOnce(&mut config::Jwt)) -> Doorkeeper {
        let secret = Some(config::Secret::new("a secret of thirty-two bytes or so"));
        let mut jwt = config::Jwt {
            hs256_secret: secret,
            ..config::Jwt::default()
        };
        change(&mut jwt);
        Doorkeeper::new(&config::Auth {
            jwt: Some(jwt),
            ..config::Auth::default()
        })
    }

    fn signed(change: impl FnOnce(&mut Claims)) -> Option<Secret> {
        let mut said = claims("alice", NOW, Duration::from_secs(600));
        change(&mut said);
        token(&mint(&said, "a secret of thirty-two bytes or so").unwrap())
    }

    fn user(verdict: &Verdict) -> Option<&str> {
        match verdict {
            Verdict::In(permissions) => Some(&permissions.user),
            Verdict::Guest | Verdict::Out(..) | Verdict::Ask(_) => None,
        }
    }

    fn code(verdict: &Verdict) -> Option<Code> {
        match verdict {
            Verdict::Out(code, _) => Some(*code),
            Verdict::In(_) | Verdict::Guest | Verdict::Ask(_) => None,
        }
    }

    #[test]
    fn nobody_comes_in_by_default() {
        let door = Doorkeeper::new(&config::Auth::default());
        assert_eq!(code(&door.look(None, NOW)), Some(Code::NotAuthenticated));
        assert_eq!(
            code(&door.look(token("x").as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
        assert_eq!(
            code(&door.look(token("").as_ref(), NOW)),
            Some(Code::NotAuthenticated)
        );
    }

    #[test]
    fn user_of_the_configuration_comes_in_by_his_token_only() {
        let alice = config::User {
            name: "alice".into(),
            token: config::Secret::new("opensesame"),
            ..config::User::default()
        };
        let nobody = config::User {
            name: "empty".into(),
            ..config::User::default()
        };
        let user_list = vec![nobody, alice];
        let door = Doorkeeper::new(&config::Auth {
            user: user_list,
            ..config::Auth::default()
        });
        assert_eq!(
            user(&door.look(token("opensesame").as_ref(), NOW)),
            Some("alice")
        );
        for wrong in ["opensesam", "opensesame ", "opensesamf"] {
            let verdict = door.look(token(wrong).as_ref(), NOW);
            assert_eq!(code(&verdict), Some(Code::TokenInvalid), "{wrong}");
        }
    }

    #[test]
    fn signed_token_says_what_the_client_may_do() {
        let door = with_jwt(|_| {});
        let made = signed(|said| {
            said.accounts = vec!["desk".into()];
            said.verbs = Some(vec!["call.*".into()]);
            said.calls_max = Some(2);
        });
        let Verdict::In(permissions) = door.look(made.as_ref(), NOW) else {
            panic!("not in")
        };
        assert_eq!(
            (permissions.accounts, permissions.calls_max),
            (vec!["desk".into()], Some(2))
        );
        let may = Permissions {
            verbs: permissions.verbs,
            ..Permissions::default()
        };
        assert!(may.allows("call.create") && !may.allows("account.add"));
    }

    #[test]
    fn signed_token_counts_in_its_time_only() {
        let door = with_jwt(|jwt| jwt.leeway = Duration::from_secs(30));
        let late = door.look(signed(|said| said.exp = Some(NOW - 31)).as_ref(), NOW);
        assert_eq!(code(&late), Some(Code::TokenExpired));
        assert!(user(&door.look(signed(|said| said.exp = Some(NOW - 29)).as_ref(), NOW)).is_some());
        let early = door.look(signed(|said| said.nbf = Some(NOW + 31)).as_ref(), NOW);
        assert_eq!(code(&early), Some(Code::TokenInvalid));
        let endless = door.look(signed(|said| said.exp = None).as_ref(), NOW);
        assert_eq!(code(&endless), Some(Code::TokenInvalid));
    }

    #[test]
    fn foreign_signature_issuer_and_audience_stay_out() {
        let door = with_jwt(|jwt| {
            jwt.issuer = Some("us".into());
            jwt.audience = Some("phone".into());
        });
        let right = |said: &mut Claims| {
            said.iss = Some("us".into());
            said.aud = Some("phone".into());
        };
        assert_eq!(user(&door.look(signed(right).as_ref(), NOW)), Some("alice"));
        for wrong in [("them", "phone"), ("us", "fax")] {
            let made = signed(|said| {
                (said.iss, said.aud) = (Some(wrong.0.into()), Some(wrong.1.into()));
            });
            assert_eq!(
                code(&door.look(made.as_ref(), NOW)),
                Some(Code::TokenInvalid)
            );
        }
        assert_eq!(
            code(&door.look(signed(|_| {}).as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
        let mut said = claims("alice", NOW, Duration::from_secs(600));
        right(&mut said);
        let foreign = token(&mint(&said, "another secret of thirty-two bytes").unwrap());
        assert_eq!(
            code(&door.look(foreign.as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
    }

    #[test]
    fn unsigned_token_stays_out() {
        // {"alg":"none"} . {"sub":"alice","exp":9999999999} .
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.";
        let door = with_jwt(|_| {});
        assert_eq!(
            code(&door.look(token(none).as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
    }

    #[test]
    fn public_key_signs_and_is_no_shared_secret() {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let door = with_jwt(|jwt| jwt.eddsa_public_key = Some(pair.public_key_pem()));
        let said = claims("alice", NOW, Duration::from_secs(600));
        let right = token(&mint_eddsa(&said, &pair.serialize_pem()).unwrap());
        assert_eq!(user(&door.look(right.as_ref(), NOW)), Some("alice"));
        // The public key, used as if it were the secret of HS256 (RFC 8725 §2.1).
        let confused = token(&mint(&said, &pair.public_key_pem()).unwrap());
        assert_eq!(
            code(&door.look(confused.as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
        let other = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let foreign = token(&mint_eddsa(&said, &other.serialize_pem()).unwrap());
        assert_eq!(
            code(&door.look(foreign.as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
    }

    #[test]
    fn key_set_has_keys_by_name_and_algorithm() {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("k1".into());
        let set = JwkSet { keys: vec![jwk] };
        let mut door = with_jwt(|_| {});
        let said = claims("alice", NOW, Duration::from_secs(600));
        let made = |kid: &str| {
            let mut header = Header::new(Algorithm::ES256);
            header.kid = Some(kid.into());
            token(&jsonwebtoken::encode(&header, &said, &key).unwrap())
        };
        assert_eq!(
            code(&door.look(made("k1").as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
        assert_eq!(
            door.set_keys(&serde_json::to_string(&set).unwrap())
                .unwrap(),
            1
        );
        assert_eq!(user(&door.look(made("k1").as_ref(), NOW)), Some("alice"));
        assert_eq!(
            code(&door.look(made("k2").as_ref(), NOW)),
            Some(Code::TokenInvalid)
        );
        assert!(door.set_keys("<html>").is_err());
        assert_eq!(user(&door.look(made("k1").as_ref(), NOW)), Some("alice"));
        let shared = r#"{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}"#;
        assert_eq!(door.set_keys(shared).unwrap(), 0);
    }

    #[test]
    fn list_that_is_null_allows_nothing() {
        let claims: Claims =
            serde_json::from_str(r#"{"sub":"bob","destinations":null,"verbs":null}"#).unwrap();
        assert_eq!(
            (claims.destinations, claims.verbs),
            (Some(vec![]), Some(vec![]))
        );
        let claims: Claims = serde_json::from_str(r#"{"sub":"bob"}"#).unwrap();
        assert_eq!((claims.destinations, claims.verbs), (None, None));
    }

    #[test]
    fn endpoint_is_asked_and_its_word_counts() {
        let http = Some(config::Http {
            url: "http://x/".into(),
            timeout: Duration::from_secs(3),
            questions_max: 64,
        });
        let door = Doorkeeper::new(&config::Auth {
            http,
            ..config::Auth::default()
        });
        assert!(matches!(
            door.look(token("opaque").as_ref(), NOW),
            Verdict::Ask(_)
        ));
        assert_eq!(
            user(&door.introspected(r#"{"user":"bob"}"#, NOW)),
            Some("bob")
        );
        for no in [
            "null",
            r#"{"active":false,"sub":"bob"}"#,
            r#"{"sub":"a b"}"#,
            r#"{"sub":""}"#,
        ] {
            assert_eq!(
                code(&door.introspected(no, NOW)),
                Some(Code::TokenInvalid),
                "{no}"
            );
        }
        assert_eq!(code(&door.introspected("oops", NOW)), Some(Code::Internal));
        let late = format!(r#"{{"sub":"bob","exp":{NOW}}}"#);
        assert_eq!(
            code(&door.introspected(&late, NOW)),
            Some(Code::TokenExpired)
        );
    }
}
