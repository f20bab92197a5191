//! Proving who an account is (RFC 6120 §6): SCRAM-SHA-256, SCRAM-SHA-1 (RFC 5802, RFC 7677), PLAIN
//! (RFC 4616), best first, and only under TLS: that is the caller's to see to.
//!
//! There is no channel binding. TLS 1.3 has only `tls-exporter` (RFC 9266), which the servers in
//! use do not offer with their `-PLUS` mechanisms; a client that insists on it falls to PLAIN with
//! one of them and cannot log in at all with another.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::config::Secret;
use crate::id::Source;

/// Rounds of hashing that a server may ask for: at 10,000, what servers use, a login takes some
/// milliseconds of the one loop; a server that asks for millions would stop every call.
const ROUNDS_MAX: u32 = 100_000;

/// Bytes of a challenge.
const CHALLENGE_MAX: usize = 4096;

/// A way to prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 7677.
    ScramSha256,
    /// RFC 5802.
    ScramSha1,
    /// RFC 4616.
    Plain,
}

impl Mechanism {
    const ALL: [Self; 3] = [Self::ScramSha256, Self::ScramSha1, Self::Plain];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
        }
    }

    /// The best of what a server offers.
    #[must_use]
    pub fn best(offered: &[String]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| offered.iter().any(|name| name == one.name()))
    }
}

/// What is wrong with what a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// It is not what the mechanism has at this point.
    #[error("the server's challenge cannot be read")]
    Unreadable,
    /// Its part of the nonce is missing: somebody else's challenge.
    #[error("the server's challenge is not for this login")]
    ForeignNonce,
    /// More rounds than are worth it.
    #[error("the server wants more than {ROUNDS_MAX} rounds of hashing")]
    TooManyRounds,
    /// The server does not know the password itself.
    #[error("the server cannot prove that it knows the password")]
    NotTheServer,
}

/// A proof under way.
///
/// ```text
///            SCRAM                challenge                   success, signature right
///   begin ──────────▶ Challenged ──────────▶ Proved ────────────────────────────▶ done
///     │      PLAIN                                     success
///     └──────────────────────────────────▶ Sent ──────────────────────────────────▶ done
/// ```
#[derive(Debug)]
pub enum Exchange {
    /// The first message of SCRAM is sent; the server's is to come.
    Challenged(Scram),
    /// The proof is sent; the server's own is to come, and has to be this.
    Proved(Vec<u8>),
    /// The password itself is sent; nothing more is to come.
    Sent,
}

/// What SCRAM has to remember.
#[derive(Debug)]
pub struct Scram {
    mechanism: Mechanism,
    password: Secret,
    nonce: String,
    first_bare: String,
}

impl Exchange {
    /// Begins; returns the first message in base64.
    #[must_use]
    pub fn begin(
        mechanism: Mechanism,
        user: &str,
        password: &Secret,
        ids: &mut Source,
    ) -> (Self, String) {
        if mechanism == Mechanism::Plain {
            let message = format!("\0{user}\0{}", password.reveal());
            return (Self::Sent, BASE64.encode(message));
        }
        let nonce = ids.secret();
        // RFC 5802 §5.1: `,` and `=` in names.
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={user},r={nonce}");
        let first = BASE64.encode(format!("n,,{first_bare}"));
        let scram = Scram {
            mechanism,
            password: password.clone(),
            nonce,
            first_bare,
        };
        (Self::Challenged(scram), first)
    }

    /// Answers a challenge, both in base64.
    ///
    /// # Errors
    /// [`SaslError`]: the login is over.
    pub fn challenge(self, text: &str) -> Result<(Self, String), SaslError> {
        match self {
            Self::Challenged(scram) => scram.answer(text),
            // The signature of SCRAM may come as a challenge (RFC 5802 §5); it is answered with
            // nothing.
            Self::Proved(signature) => {
                verify(&signature, text)?;
                Ok((Self::Sent, String::new()))
            }
            Self::Sent => Err(SaslError::Unreadable),
        }
    }

    /// The server says that it is enough.
    ///
    /// # Errors
    /// [`SaslError::NotTheServer`] where it has not proved itself: that is not our server.
    pub fn success(self, text: &str) -> Result<(), SaslError> {
        match self {
            Self::Sent => Ok(()),
            Self::Proved(signature) => verify(&signature, text),
            Self::Challenged(_) => Err(SaslError::NotTheServer),
        }
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, SaslError> {
    let text = text.trim();
    if text.len() > CHALLENGE_MAX {
        return Err(SaslError::Unreadable);
    }
    BASE64.decode(text).map_err(|_| SaslError::Unreadable)
}

fn verify(signature: &[u8], text: &str) -> Result<(), SaslError> {
    let text = decoded(text)?;
    let said = text.strip_prefix(b"v=").ok_or(SaslError::NotTheServer)?;
    let said = BASE64.decode(said).map_err(|_| SaslError::NotTheServer)?;
    constant_time::verify_slices_are_equal(&said, signature).map_err(|_| SaslError::NotTheServer)
}

impl Scram {
    fn answer(self, text: &str) -> Result<(Exchange, String), SaslError> {
        let first = decoded(text)?;
        let first = String::from_utf8(first).map_err(|_| SaslError::Unreadable)?;
        let field = |name: &str| {
            let mut fields = first.split(',');
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        // RFC 5802 §5.1: an extension that has to be understood.
        if first.starts_with("m=") {
            return Err(SaslError::Unreadable);
        }
        let nonce = field("r").ok_or(SaslError::Unreadable)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(SaslError::ForeignNonce);
        }
        let salt = field("s").and_then(|salt| BASE64.decode(salt).ok());
        let salt = salt.ok_or(SaslError::Unreadable)?;
        let rounds = field("i").and_then(|rounds| rounds.parse::<NonZeroU32>().ok());
        let rounds = rounds.ok_or(SaslError::Unreadable)?;
        if rounds.get() > ROUNDS_MAX {
            return Err(SaslError::TooManyRounds);
        }
        // `biws` is `n,,` in base64: no channel binding.
        let last = format!("c=biws,r={nonce}");
        let signed = format!("{},{first},{last}", self.first_bare);
        let salted = self.salted(&salt, rounds);
        let client_key = self.sign(&salted, b"Client Key");
        let client_signature = self.sign(&self.hash(&client_key), signed.as_bytes());
        let server_key = self.sign(&salted, b"Server Key");
        let server_signature = self.sign(&server_key, signed.as_bytes());
        let both = client_key.iter().zip(&client_signature);
        let proof: Vec<u8> = both.map(|(key, signature)| key ^ signature).collect();
        let last = format!("{last},p={}", BASE64.encode(proof));
        Ok((Exchange::Proved(server_signature), BASE64.encode(last)))
    }

    fn is_sha1(&self) -> bool {
        self.mechanism == Mechanism::ScramSha1
    }

    /// RFC 5802 §2.2: `Hi`. The password is taken as it is: preparing it (RFC 4013) changes nothing
    /// in one of ASCII, and in others next to none.
    fn salted(&self, salt: &[u8], rounds: NonZeroU32) -> Vec<u8> {
        let (algorithm, length) = match self.is_sha1() {
            true => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            false => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        };
        let mut salted = vec![0; length];
        let password = self.password.reveal().as_bytes();
        pbkdf2::derive(algorithm, rounds, salt, password, &mut salted);
        salted
    }

    fn sign(&self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let algorithm = match self.is_sha1() {
            true => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            false => hmac::HMAC_SHA256,
        };
        let key = hmac::Key::new(algorithm, key);
        hmac::sign(&key, text).as_ref().to_vec()
    }

    fn hash(&self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self.is_sha1() {
            true => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            false => &digest::SHA256,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scram(mechanism: Mechanism, nonce: &str) -> Exchange {
        Exchange::Challenged(Scram {
            mechanism,
            password: Secret::new("pencil"),
            nonce: nonce.into(),
            first_bare: format!("n=user,r={nonce}"),
        })
    }

    /// The examples of RFC 5802 §5 and RFC 7677 §3.
    const EXAMPLES: [(Mechanism, &str, &str, &str, &str); 2] = [
        (
            Mechanism::ScramSha1,
            "fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Mechanism::ScramSha256,
            "rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,\
             i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ];

    #[test]
    fn examples_of_both_documents_hold() {
        for (mechanism, nonce, challenge, answer, signature) in EXAMPLES {
            let (exchange, said) = scram(mechanism, nonce)
                .challenge(&BASE64.encode(challenge))
                .unwrap();
            assert_eq!(
                String::from_utf8(BASE64.decode(said).unwrap()).unwrap(),
                answer
            );
            assert_eq!(exchange.success(&BASE64.encode(signature)), Ok(()));
        }
    }

    #[test]
    fn server_that_does_not_know_the_password_is_not_believed() {
        for (mechanism, nonce, challenge, ..) in EXAMPLES {
            let begun = || scram(mechanism, nonce).challenge(&BASE64.encode(challenge));
            let (exchange, _) = begun().unwrap();
            let wrong = BASE64.encode("v=AAAA");
            assert_eq!(exchange.success(&wrong), Err(SaslError::NotTheServer));
            let (exchange, _) = begun().unwrap();
            assert!(exchange.success("").is_err());
            // Success before the server said anything.
            let early = scram(mechanism, nonce).success("");
            assert_eq!(early, Err(SaslError::NotTheServer));
        }
    }

    #[test]
    fn challenges_that_would_hurt_are_refused() {
        let of = |challenge: &str| {
            scram(Mechanism::ScramSha256, "abc")
                .challenge(&BASE64.encode(challenge))
                .map(|_| ())
        };
        assert_eq!(
            of("r=abcd,s=QQ==,i=4294967295"),
            Err(SaslError::TooManyRounds)
        );
        assert_eq!(of("r=xyz,s=QQ==,i=4096"), Err(SaslError::ForeignNonce));
        assert_eq!(of("r=abc,s=QQ==,i=4096"), Err(SaslError::ForeignNonce));
        for unreadable in [
            "",
            "r=abcd,i=1",
            "r=abcd,s=QQ==,i=0",
            "r=abcd,s=!,i=1",
            "m=x,r=abcd",
        ] {
            assert_eq!(of(unreadable), Err(SaslError::Unreadable), "{unreadable}");
        }
    }

    #[test]
    fn best_mechanism_is_chosen_and_none_that_binds() {
        let best = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Mechanism::best(&names)
        };
        assert_eq!(best(&["PLAIN", "SCRAM-SHA-1"]), Some(Mechanism::ScramSha1));
        assert_eq!(
            best(&["SCRAM-SHA-256-PLUS", "PLAIN"]),
            Some(Mechanism::Plain)
        );
        assert_eq!(best(&["X-OAUTH2", "SCRAM-SHA-256-PLUS"]), None);
    }

    #[test]
    fn password_is_not_shown() {
        let mut ids = Source::from_number(1);
        let password = Secret::new("opensesame");
        let (exchange, _) = Exchange::begin(Mechanism::ScramSha1, "a", &password, &mut ids);
        assert!(!format!("{exchange:?}").contains("opensesame"));
    }
}
