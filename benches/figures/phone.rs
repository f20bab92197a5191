//! The other side of SIP: a phone that answers, and a registrar that lets in. Only what the load
//! needs, and no more reading than that: lines, by their names.

use std::net::SocketAddr;

/// What a call's INVITE said, for the answers and the BYE (RFC 3261 §8.2.6.2, §12.1.1).
#[derive(Debug)]
pub(crate) struct Dialog {
    vias: String,
    from: String,
    to: String,
    call_id: String,
    cseq: String,
    target: String,
    number: u64,
}

/// What a datagram is.
#[derive(Debug)]
pub(crate) enum Message {
    Invite(u64, Box<Dialog>),
    Ack(u64),
    /// With its 200.
    Bye(u64, String),
    /// With its 200, and the 487 of the INVITE.
    Cancel(String, String),
    /// With its 401 or 200, and whether it is the 200.
    Register(String, bool),
    /// With its 200.
    Options(String),
    /// The answer to a BYE of ours.
    ByeAnswered(u64),
    Other,
}

/// Reads a datagram from the gateway. `expires` is what the registrar grants, in seconds.
pub(crate) fn read(text: &str, expires: u32) -> Message {
    let (first, rest) = text.split_once("\r\n").unwrap_or((text, ""));
    let head = rest.split("\r\n\r\n").next().unwrap_or(rest);
    let method = first.split(' ').next().unwrap_or_default();
    match method {
        "INVITE" => match number_of(first).zip(Dialog::of(head, first)) {
            Some((number, dialog)) => Message::Invite(number, Box::new(dialog)),
            None => Message::Other,
        },
        "ACK" => number_of(first).map_or(Message::Other, Message::Ack),
        "BYE" => number_of(first).map_or(Message::Other, |number| {
            Message::Bye(number, answer(head, "200 OK", ""))
        }),
        "REGISTER" if head.contains("\r\nAuthorization:") => {
            let contact = line(head, "Contact").unwrap_or_default();
            let contact = contact.split(";expires").next().unwrap_or_default();
            let more = format!("Contact: {contact};expires={expires}\r\nExpires: {expires}\r\n");
            Message::Register(answer(head, "200 OK", &more), true)
        }
        "REGISTER" => {
            let more = "WWW-Authenticate: Digest realm=\"load\", nonce=\"n\", algorithm=MD5, \
                        qop=\"auth\"\r\n";
            Message::Register(answer(head, "401 Unauthorized", more), false)
        }
        "CANCEL" => {
            let terminated = answer(head, "487 Request Terminated", "");
            let terminated = terminated.replacen(" CANCEL\r\n", " INVITE\r\n", 1);
            Message::Cancel(answer(head, "200 OK", ""), terminated)
        }
        "OPTIONS" => Message::Options(answer(head, "200 OK", "")),
        "SIP/2.0" if line(head, "CSeq").is_some_and(|cseq| cseq.ends_with("BYE")) => {
            let branch = line(head, "Via").and_then(|via| via.split("branch=z9hG4bKb").nth(1));
            branch
                .and_then(|rest| {
                    rest.split(|c: char| !c.is_ascii_digit())
                        .next()?
                        .parse()
                        .ok()
                })
                .map_or(Message::Other, Message::ByeAnswered)
        }
        _ => Message::Other,
    }
}

impl Dialog {
    fn of(head: &str, first: &str) -> Option<Self> {
        let target = line(head, "Contact")?;
        let target = target.split(['<', '>']).nth(1).unwrap_or(target);
        Some(Self {
            vias: vias(head),
            from: line(head, "From")?.to_owned(),
            to: line(head, "To")?.to_owned(),
            call_id: line(head, "Call-ID")?.to_owned(),
            cseq: line(head, "CSeq")?.to_owned(),
            target: target.to_owned(),
            number: number_of(first)?,
        })
    }

    /// A response to the INVITE.
    pub(crate) fn response(&self, status: &str, us: SocketAddr, body: &str) -> String {
        let Self {
            vias,
            from,
            to,
            call_id,
            cseq,
            number,
            ..
        } = self;
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        format!(
            "SIP/2.0 {status}\r\n{vias}From: {from}\r\nTo: {to};tag=t{number}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: <sip:{number}@{us}>\r\n\
             {kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The phone hangs up.
    pub(crate) fn bye(&self, us: SocketAddr) -> String {
        let Self {
            from,
            to,
            call_id,
            target,
            number,
            ..
        } = self;
        format!(
            "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKb{number}\r\n\
             Max-Forwards: 70\r\nFrom: {to};tag=t{number}\r\nTo: {from}\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        )
    }
}

/// The response to a request that has no dialog here.
fn answer(head: &str, status: &str, more: &str) -> String {
    let of = |name| line(head, name).unwrap_or_default();
    let to = of("To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=r" };
    format!(
        "SIP/2.0 {status}\r\n{}From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{more}\
         Content-Length: 0\r\n\r\n",
        vias(head),
        of("From"),
        of("Call-ID"),
        of("CSeq")
    )
}

fn vias(head: &str) -> String {
    let vias = head.split("\r\n").filter(|line| line.starts_with("Via:"));
    vias.flat_map(|via| [via, "\r\n"]).collect()
}

/// The value of the first header field of this name.
fn line<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
}

/// The number that is called: the user of the Request-URI.
fn number_of(first: &str) -> Option<u64> {
    first.split("sip:").nth(1)?.split('@').next()?.parse().ok()
}
