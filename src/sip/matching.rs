//! What belongs to which transaction (RFC 3261 §17.1.3, §17.2.3), and the way back of responses
//! (RFC 3261 §18.2, RFC 3581 §4).

use std::net::SocketAddr;

use super::flow::Flow;
use super::header::{CSeq, Via};
use super::message::{HeaderText, Request, Response};
use super::name::{Method, Name};

/// What a transaction is found by. ACK and CANCEL find their INVITE by what they share with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Our request, by branch and method (§17.1.3).
    Client {
        /// The branch of the topmost Via, ours.
        branch: String,
        /// The method.
        method: Method,
    },
    /// A peer's request, by branch, sent-by and method (§17.2.3).
    Server {
        /// The branch of the topmost Via, the peer's.
        branch: String,
        /// The sent-by host in lower case, and port.
        sent_by: (String, Option<u16>),
        /// The method.
        method: Method,
    },
    /// A request of an element of RFC 2543, whose branch says nothing (§17.2.3).
    Old {
        /// Request-URI, From tag, Call-ID, topmost Via. The To tag is left out: what it would tell
        /// apart has another CSeq already.
        parts: [String; 4],
        /// The number of the CSeq.
        number: u32,
        /// The method.
        method: Method,
    },
}

impl Key {
    /// The key of the INVITE that shares the rest with this one.
    pub(super) fn of_invite(mut self) -> Self {
        match &mut self {
            Self::Client { method, .. }
            | Self::Server { method, .. }
            | Self::Old { method, .. } => {
                *method = Method::Invite;
            }
        }
        self
    }
}

/// The key of a request of ours.
pub(super) fn client_key(request: &Request) -> Key {
    let via = request.headers.via();
    let branch = via.as_ref().and_then(Via::branch).unwrap_or_default();
    Key::Client {
        branch: branch.to_owned(),
        method: request.method.clone(),
    }
}

/// The key of the request that a response answers.
pub(super) fn response_key(response: &Response) -> Option<Key> {
    let via = response.headers.via()?;
    let CSeq { method, .. } = response.headers.cseq()?;
    let branch = via.branch()?.to_owned();
    Some(Key::Client { branch, method })
}

/// The key of a request of a peer; of an ACK, that of the INVITE it acknowledges.
pub(super) fn server_key(request: &Request) -> Option<Key> {
    let via = request.headers.via()?;
    let method = match &request.method {
        Method::Ack => Method::Invite,
        method => method.clone(),
    };
    if let Some(branch) = via.branch() {
        let branch = branch.to_owned();
        let sent_by = (via.host.to_ascii_lowercase(), via.port);
        return Some(Key::Server {
            branch,
            sent_by,
            method,
        });
    }
    let headers = &request.headers;
    let parts = [
        request.uri.to_string(),
        headers.from_tag().to_owned(),
        headers.call_id().to_owned(),
        via.to_string(),
    ];
    let number = headers.cseq()?.number;
    Some(Key::Old {
        parts,
        number,
        method,
    })
}

/// Notes in the Via where a request came from, and says which way its responses go: over a stream
/// the same one, else to the address in the Via (RFC 3261 §18.2.2, RFC 3581 §4). Where a request of
/// a stream came from is noted before, by who knows the stream.
pub(super) fn back(request: &mut Request, flow: Flow) -> Flow {
    let Flow::Udp { local, remote } = flow else {
        return flow;
    };
    let Some(via) = note_source(request, remote) else {
        return flow;
    };
    Flow::Udp {
        local,
        remote: via.response_address().unwrap_or(remote),
    }
}

/// Notes in the Via where a request came from, whatever its transport (RFC 3261 §18.2.1). Returns
/// the Via as it is then.
pub(super) fn note_source(request: &mut Request, source: SocketAddr) -> Option<Via> {
    let mut via = request.headers.via()?;
    via.note_source(source);
    let noted = HeaderText::composed(via.to_string());
    request.headers.set_first(&Name::Via, &noted);
    Some(via)
}

/// The ACK of a final response other than 2xx (RFC 3261 §17.1.1.3).
pub(super) fn acknowledgement(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    let copy = |ack: &mut Request, name: Name, value: Option<&str>| {
        if let Some(value) = value {
            ack.headers.push(name, HeaderText::composed(value));
        }
    };
    let via = invite.headers.list(&Name::Via).next();
    copy(&mut ack, Name::Via, via);
    for route in invite.headers.all(&Name::Route) {
        copy(&mut ack, Name::Route, Some(route));
    }
    copy(&mut ack, Name::MaxForwards, Some("70"));
    copy(&mut ack, Name::From, invite.headers.get(&Name::From));
    copy(&mut ack, Name::To, response.headers.get(&Name::To));
    copy(&mut ack, Name::CallId, Some(invite.headers.call_id()));
    let number = invite.headers.cseq().map_or(1, |cseq| cseq.number);
    ack.headers
        .push(Name::CSeq, HeaderText::composed(format!("{number} ACK")));
    ack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topmost_via_is_touched() {
        let uri = super::super::uri::Uri::parse("sip:a@b").unwrap();
        let mut request = Request::new(Method::Options, uri);
        for text in [
            "SIP/2.0/UDP one;rport;branch=1, SIP/2.0/UDP two",
            "SIP/2.0/TCP three",
        ] {
            request.headers.push(Name::Via, HeaderText::composed(text));
        }
        let remote = "192.0.2.7:5070".parse().unwrap();
        let flow = Flow::Udp { local: 0, remote };
        assert_eq!(back(&mut request, flow), flow);
        let vias: Vec<_> = request.headers.list(&Name::Via).collect();
        assert!(vias[0].contains("rport=5070") && vias[0].contains("received=192.0.2.7"));
        assert_eq!(vias[1..], ["SIP/2.0/UDP two", "SIP/2.0/TCP three"]);
    }
}
