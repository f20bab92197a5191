//! The login of a component (XEP-0114).
//!
//! ```text
//!            connected             stream head             <handshake/>
//!   Offline ───────────▶ Opening ──────────────▶ Proving ───────────────▶ Online
//!                           │ anything else         │ anything else          │ stream error
//!                           └───────────────────────┴────────────────────────┴──▶ failed
//! ```
//!
//! There are no features and nothing is acknowledged: what was on its way when a stream breaks is
//! lost, which the askers of requests hear by their deadlines.

use aws_lc_rs::digest;
use minidom::Element;

use super::ns;
use super::session::{Failure, Step};
use super::write::escaped;
use crate::config::{self, Secret};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Offline,
    /// Our stream head is sent.
    Opening,
    /// The proof is sent.
    Proving,
    Online,
}

/// One component.
#[derive(Debug)]
pub struct Component {
    domain: String,
    secret: Secret,
    state: State,
}

impl Component {
    /// Not connected.
    #[must_use]
    pub fn new(config: &config::Component) -> Self {
        Self {
            domain: config.domain.to_lowercase(),
            secret: config.secret.clone(),
            state: State::Offline,
        }
    }

    /// The domain that it is.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The connection is there.
    pub fn opened(&mut self) -> Vec<Step> {
        self.state = State::Opening;
        vec![Step::Write(format!(
            "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' to='{}'>",
            ns::COMPONENT,
            ns::STREAMS,
            escaped(&self.domain)
        ))]
    }

    /// The connection is gone.
    pub fn closed(&mut self) {
        self.state = State::Offline;
    }

    /// The server's stream head.
    pub fn header(&mut self, id: &str) -> Vec<Step> {
        self.state = State::Proving;
        let proof = proof(id, self.secret.reveal());
        vec![Step::Write(format!("<handshake>{proof}</handshake>"))]
    }

    /// A child of the stream.
    pub fn element(&mut self, element: Element) -> Vec<Step> {
        if element.is("error", ns::STREAMS) {
            return vec![Step::Fail(Failure::of_stream(&element))];
        }
        match self.state {
            State::Proving if element.is("handshake", ns::CLIENT) => {
                self.state = State::Online;
                let (jid, resumed) = (self.domain.clone(), false);
                vec![Step::Online { jid, resumed }]
            }
            State::Online => vec![Step::Up(element)],
            State::Offline | State::Opening | State::Proving => {
                let what = format!("<{}/> before the handshake", element.name());
                vec![Step::Fail(Failure::Misbehaved(what))]
            }
        }
    }
}

/// XEP-0114 §3: SHA-1 of the stream's id and the secret, in hexadecimal.
fn proof(id: &str, secret: &str) -> String {
    let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let hash = digest::digest(algorithm, format!("{id}{secret}").as_bytes());
    let mut text = String::with_capacity(40);
    for byte in hash.as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_that_of_the_document() {
        // `printf 3BF96D32secret | sha1sum`
        let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        let hash = digest::digest(algorithm, b"3BF96D32secret");
        let wanted: Vec<String> = hash.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(proof("3BF96D32", "secret"), wanted.concat());
        assert_eq!(proof("", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn secret_is_not_shown() {
        let config = config::Component {
            secret: Secret::new("opensesame"),
            ..config::Component::default()
        };
        assert!(!format!("{:?}", Component::new(&config)).contains("opensesame"));
    }
}
