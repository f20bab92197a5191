//! Digest authentication as a server (RFC 3261 §22.2, §22.4, RFC 7616 §3.3, §3.4.6).
//!
//! Each nonce is remembered with the highest count it was used with, so that nothing can be played
//! back; the oldest are forgotten, and a request that uses one is asked again with `stale=true`.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::auth::Credentials;
use super::digest::{Algorithm, Fields, Hash, Protection, Subject, Terms};
use super::message::HeaderText;
use super::uri::quoted;
use crate::id::Source;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It names no user of this realm, or is not digest: challenge it.
    #[error("there are no credentials for this realm")]
    Missing,
    /// The nonce is not known any more or was used before: challenge it with `stale`.
    #[error("the nonce has had its time")]
    Stale,
    /// The user or the password is wrong.
    #[error("the user name or password is wrong")]
    Wrong,
}

/// Challenges requests and verifies what they answer, for one realm.
#[derive(Debug)]
pub struct Verifier {
    realm: String,
    hash: Hash,
    lifetime: Duration,
    /// When each nonce was given out, and the highest count it was used with.
    nonces: BTreeMap<String, (Instant, u32)>,
    /// The nonces, the oldest first.
    order: VecDeque<String>,
}

impl Verifier {
    /// Nonces that are remembered.
    pub const NONCES_MAX: usize = 10_000;

    /// Challenges with this hash; each nonce is good for so long.
    #[must_use]
    pub fn new(realm: &str, hash: Hash, lifetime: Duration) -> Self {
        Self {
            realm: realm.to_owned(),
            hash,
            lifetime,
            nonces: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The value of WWW-Authenticate or Proxy-Authenticate.
    pub fn challenge(&mut self, why: Denied, ids: &mut Source, now: Instant) -> HeaderText {
        if self.order.len() == Self::NONCES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.nonces.remove(&oldest);
        }
        let nonce = ids.secret();
        self.nonces.insert(nonce.clone(), (now, 0));
        self.order.push_back(nonce.clone());
        let algorithm = match self.hash {
            Hash::Md5 => "MD5",
            Hash::Sha256 => "SHA-256",
        };
        let stale = match why {
            Denied::Stale => ", stale=true",
            Denied::Missing | Denied::Wrong => "",
        };
        let realm = quoted(&self.realm);
        HeaderText::composed(format!(
            "Digest realm={realm}, nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"
        ))
    }

    /// Verifies the value of Authorization or Proxy-Authorization.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn verify(
        &mut self,
        value: &str,
        subject: Subject<'_>,
        known: &Credentials,
        now: Instant,
    ) -> Result<(), Denied> {
        let all = Fields::all(value);
        let ours = |fields: &&Fields| fields.get("realm") == Some(&self.realm);
        let fields = all.iter().find(ours).ok_or(Denied::Missing)?;
        let algorithm = Algorithm::parse(fields.get("algorithm")).ok_or(Denied::Missing)?;
        let of = |name: &str| fields.get(name).ok_or(Denied::Missing);
        let (nonce, response, count) = (of("nonce")?, of("response")?, of("nc")?);
        let used = match u32::from_str_radix(count, 16) {
            Ok(used) if count.len() == 8 => used,
            Ok(_) | Err(_) => return Err(Denied::Missing),
        };
        if algorithm.hash != self.hash || fields.get("qop") != Some(Protection::Auth.as_str()) {
            return Err(Denied::Missing);
        }
        let terms = Terms {
            algorithm,
            user: &known.user,
            realm: &self.realm,
            nonce,
            cnonce: of("cnonce")?,
            protection: Some((Protection::Auth, count)),
        };
        let expected = terms.response(subject, &known.password);
        let right = aws_lc_rs::constant_time::verify_slices_are_equal(
            expected.as_bytes(),
            response.to_ascii_lowercase().as_bytes(),
        );
        // RFC 3261 §22.4 lets the `uri` differ from the Request-URI that a proxy rewrote; here they
        // are the same, since nothing stands between.
        if right.is_err() || of("username")? != known.user || of("uri")? != subject.uri {
            return Err(Denied::Wrong);
        }
        match self.nonces.get_mut(nonce) {
            Some((given_at, last)) if now < *given_at + self.lifetime && used > *last => {
                *last = used;
                Ok(())
            }
            Some(_) | None => Err(Denied::Stale),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's clock starts somewhere")]
mod tests {
    use super::*;
    use crate::sip::auth::Authorizer;
    use crate::sip::message::{Headers, Response};
    use crate::sip::name::{Method, Name};

    const SUBJECT: Subject<'static> = Subject {
        method: &Method::Invite,
        uri: "sip:bob@example.com",
        body: b"",
    };

    fn credentials(password: &str) -> Credentials {
        Credentials {
            user: "bob \"b\"".into(),
            password: password.into(),
        }
    }

    /// The client's answer to a challenge.
    fn answer(challenge: HeaderText, password: &str) -> (Authorizer, String) {
        let mut headers = Headers::default();
        headers.push(Name::WwwAuthenticate, challenge);
        let response = Response {
            status: 401,
            reason: String::new(),
            headers,
            body: Vec::new(),
        };
        let mut client = Authorizer::default();
        let mut ids = Source::from_number(5);
        let fields = client.answer(&response, SUBJECT, &credentials(password), &mut ids);
        let text = fields.unwrap().remove(0).1.as_str().to_owned();
        (client, text)
    }

    #[test]
    fn client_and_server_understand_each_other_and_nothing_is_played_back() {
        let (now, mut ids) = (Instant::now(), Source::from_number(1));
        for hash in [Hash::Md5, Hash::Sha256] {
            let mut server = Verifier::new("a \"realm\"", hash, Duration::from_secs(60));
            let challenge = server.challenge(Denied::Missing, &mut ids, now);
            let (mut client, text) = answer(challenge, "right");
            let known = credentials("right");
            assert_eq!(server.verify(&text, SUBJECT, &known, now), Ok(()));
            assert_eq!(
                server.verify(&text, SUBJECT, &known, now),
                Err(Denied::Stale)
            );
            let next = client.authorize(SUBJECT, &known, &mut ids).remove(0).1;
            assert_eq!(server.verify(next.as_str(), SUBJECT, &known, now), Ok(()));
        }
    }

    #[test]
    fn wrong_password_other_subject_and_old_nonce_are_told_apart() {
        let (now, mut ids) = (Instant::now(), Source::from_number(1));
        let mut server = Verifier::new("r", Hash::Md5, Duration::from_secs(60));
        let challenge = server.challenge(Denied::Missing, &mut ids, now);
        let known = credentials("right");
        let (_, wrong) = answer(challenge.clone(), "wrong");
        assert_eq!(
            server.verify(&wrong, SUBJECT, &known, now),
            Err(Denied::Wrong)
        );
        let (_, right) = answer(challenge, "right");
        let other = Subject {
            uri: "sip:eve@example.com",
            ..SUBJECT
        };
        assert_eq!(
            server.verify(&right, other, &known, now),
            Err(Denied::Wrong)
        );
        let later = now + Duration::from_secs(60);
        assert_eq!(
            server.verify(&right, SUBJECT, &known, later),
            Err(Denied::Stale)
        );
        for missing in [
            "",
            "Bearer x",
            "Digest realm=\"other\"",
            "Digest realm=\"r\"",
        ] {
            let verified = server.verify(missing, SUBJECT, &known, now);
            assert_eq!(verified, Err(Denied::Missing), "{missing}");
        }
    }

    #[test]
    fn oldest_nonces_are_forgotten() {
        let (now, mut ids) = (Instant::now(), Source::from_number(1));
        let mut server = Verifier::new("r", Hash::Md5, Duration::from_secs(60));
        let challenge = server.challenge(Denied::Missing, &mut ids, now);
        let (_, right) = answer(challenge, "right");
        for _ in 0..Verifier::NONCES_MAX {
            let stale = server.challenge(Denied::Stale, &mut ids, now);
            assert!(stale.as_str().contains("stale=true"));
        }
        assert_eq!(server.nonces.len(), Verifier::NONCES_MAX);
        let known = credentials("right");
        assert_eq!(
            server.verify(&right, SUBJECT, &known, now),
            Err(Denied::Stale)
        );
    }
}
