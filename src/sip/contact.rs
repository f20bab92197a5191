//! The Contacts of ours: which address, and whether they promise TLS (RFC 3261 §8.1.1.8, §12.1.1).
//!
//! `docs/decisions/0016-sips.md` tells what is promised and why.

use std::net::{IpAddr, SocketAddr};

use super::agent::Agent;
use super::message::Request;
use super::name::Name;
use super::outbound::Who;
use super::uri::{SipUri, Uri};
use crate::config::Transport;

/// Whether our Contact promises TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// It does not, though TLS may carry it.
    Sip,
    /// It does.
    Sips,
}

impl Scheme {
    /// That of the Contact of our answer to an INVITE: `sips:` where its Request-URI is, or its
    /// topmost Record-Route, or its Contact where it has no Record-Route (RFC 3261 §12.1.1).
    pub(super) fn asked_by(invite: &Request) -> Self {
        let is_sips = |uri: &Uri| uri.sip().is_some_and(|uri| uri.secure);
        let mut routes = invite.headers.name_addrs(&Name::RecordRoute);
        let way = match routes.next() {
            Some(route) => is_sips(&route.uri),
            None => Self::of_contact(invite) == Self::Sips,
        };
        match way || is_sips(&invite.uri) {
            true => Self::Sips,
            false => Self::Sip,
        }
    }

    /// That of the Contact that a request has.
    pub(super) fn of_contact(request: &Request) -> Self {
        let contact = request.headers.name_addrs(&Name::Contact).next();
        let uri = contact.as_ref().and_then(|contact| contact.uri.sip());
        match uri.is_some_and(|uri| uri.secure) {
            true => Self::Sips,
            false => Self::Sip,
        }
    }
}

/// A Contact of ours.
pub(super) fn contact(user: &str, host: &str, port: Option<u16>, transport: Transport) -> SipUri {
    let uri = SipUri::of_host(host, port);
    let uri = SipUri {
        user: Some(user.to_owned()),
        ..uri
    };
    match transport {
        Transport::Udp => uri,
        Transport::Tcp => uri.with_parameter("transport", Some("tcp")),
        Transport::Tls => uri.with_parameter("transport", Some("tls")),
    }
}

/// A Contact of ours that is reached over TLS alone. `sips:` says the transport (RFC 3261 §26.2.2).
pub(super) fn secure_contact(user: &str, host: &str, port: Option<u16>) -> SipUri {
    SipUri {
        secure: true,
        ..contact(user, host, port, Transport::Udp)
    }
}

impl Agent {
    /// Whether the Contact of a request of ours is a `sips:` one: where its Request-URI or its
    /// topmost Route is (RFC 3261 §8.1.1.8), in a call that was begun so, and where such an address
    /// is registered (RFC 3261 §10.2.1).
    pub(super) fn is_secure(&self, request: &Request, who: &Who) -> bool {
        let is_sips = |uri: &Uri| uri.sip().is_some_and(|uri| uri.secure);
        let first = |name: Name| {
            let uri = request.headers.name_addrs(&name).next();
            uri.is_some_and(|found| is_sips(&found.uri))
        };
        match who {
            Who::Registration(_) => first(Name::To),
            Who::Leg(leg, _) | Who::Ack(leg) => {
                let placed = self.legs.get(leg);
                let begun = placed.is_some_and(|placed| placed.scheme == Scheme::Sips);
                begun || is_sips(&request.uri) || first(Name::Route)
            }
            Who::Health(_) | Who::Page(_) => is_sips(&request.uri),
        }
    }

    /// Our address as peers on this transport reach it.
    pub(super) fn own_address(
        &self,
        transport: Transport,
        remote: Option<SocketAddr>,
    ) -> (String, Option<u16>) {
        let same = |v4: bool| {
            self.listeners.iter().find(move |listener| {
                listener.transport == transport && listener.address.is_ipv4() == v4
            })
        };
        let v4 = remote.is_none_or(|remote| remote.is_ipv4());
        // Without a listener of its own a stream is told the UDP port, where calls can come in.
        let listener = same(v4).or_else(|| self.listeners.first());
        let port = listener.map(|listener| listener.address.port());
        let public = self.settings.public_address.as_ref().filter(|host| {
            // An address of the other family is of no use to this peer.
            let ip: Option<IpAddr> = host.parse().ok();
            ip.is_none_or(|ip| ip.is_ipv4() == v4)
        });
        let host = match (public, listener) {
            (Some(public), _) => public.clone(),
            (None, Some(listener)) => listener.address.ip().to_string(),
            (None, None) => "localhost".to_owned(),
        };
        (host, port)
    }
}
