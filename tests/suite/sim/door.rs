//! What stands before the phone: it asks for credentials, now and then again because a nonce went
//! stale, sends calls elsewhere, and takes registrations.

use super::network::Dice;
use super::phone::{header, respond};

/// What is said to a request before the phone hears of it.
pub(super) fn answers(text: &str, method: &str, dice: &mut Dice, nonce: u64) -> Option<String> {
    let proven = text.contains("\r\nAuthorization: ") || text.contains("\r\nProxy-Authorization: ");
    match (method, dice.below(100)) {
        ("INVITE" | "REGISTER", 0..15) if !proven => Some(challenge(text, 401, nonce, "")),
        ("INVITE", 15..22) if !proven => Some(challenge(text, 407, nonce, "")),
        ("INVITE" | "REGISTER", 0..8) => Some(challenge(text, 401, nonce, ", stale=true")),
        ("INVITE", 22..28) if !text.starts_with("INVITE sip:elsewhere@") => {
            let moved = respond(text, 302, "door", "");
            Some(moved.replace("<sip:1001@", "<sip:elsewhere@"))
        }
        ("REGISTER", 22..28) if !is_taken_back(text) => Some(respond(text, 503, "door", "")),
        ("REGISTER", _) => Some(registered(text)),
        _ => None,
    }
}

fn challenge(text: &str, status: u16, nonce: u64, stale: &str) -> String {
    let (name, realm) = match status {
        407 => ("Proxy-Authenticate", "proxy"),
        _ => ("WWW-Authenticate", "pbx"),
    };
    let field = format!(
        "{name}: Digest realm=\"{realm}\", nonce=\"n{nonce}\", algorithm=MD5, qop=\"auth\"{stale}"
    );
    let refused = respond(text, status, "door", "");
    refused.replace("Content-Length:", &format!("{field}\r\nContent-Length:"))
}

/// The binding is taken for a minute, or taken back.
fn registered(text: &str) -> String {
    let ok = respond(text, 200, "door", "");
    let (ours, theirs) = (header(&ok, "Contact"), header(text, "Contact"));
    let bound = theirs.split(";expires").next().unwrap_or_default();
    match is_taken_back(text) {
        true => ok.replace(&format!("Contact: {ours}\r\n"), ""),
        false => ok.replace(&ours, &format!("{bound};expires=60")),
    }
}

/// Whether a REGISTER ends the registration (RFC 3261 §10.2.2).
pub(super) fn is_taken_back(text: &str) -> bool {
    header(text, "Expires") == "0" || header(text, "Contact").contains("expires=0")
}
