//! Where a server is (RFC 6120 §3.2): an address, a name, or what the domain's SRV records say.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::ask::{Question, Service, Told};
use crate::id::Source;

/// The port of clients where no record says one (RFC 6120 §14.7).
const CLIENT_PORT: u16 = 5222;

/// Hosts of SRV records that are looked up, and addresses that are tried: more are not worth it.
const PLACES_MAX: usize = 8;

/// Where a server is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a host and a port.
    Host(String, u16),
    /// Where the records of a domain say that its clients connect.
    Domain(String),
}

/// A look-up under way.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The SRV records of a domain are asked for.
    Services(String),
    /// The addresses of a host are asked for; others wait.
    Addresses {
        /// Its port.
        port: u16,
        /// Hosts and ports that come after it.
        waiting: VecDeque<(String, u16)>,
        /// What is known already.
        found: VecDeque<SocketAddr>,
    },
}

/// How a look-up stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Located {
    /// These are the places, best first; none where there is none.
    At(VecDeque<SocketAddr>),
    /// The outside is asked.
    Ask(Lookup, Question),
}

impl Place {
    /// Reads `host`, `host:port` or `[address]:port`.
    #[must_use]
    pub fn parse(text: &str, port: u16) -> Self {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Self::Host(address.ip().to_string(), address.port());
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<IpAddr>().is_ok() {
            return Self::Host(bare.to_owned(), port);
        }
        match text.rsplit_once(':') {
            Some((host, said)) => Self::Host(host.to_owned(), said.parse().unwrap_or(port)),
            None => Self::Host(text.to_owned(), port),
        }
    }

    /// The same with the port of clients, where none is written.
    #[must_use]
    pub fn of_client(text: &str) -> Self {
        Self::parse(text, CLIENT_PORT)
    }

    /// Begins to look.
    #[must_use]
    pub fn locate(&self) -> Located {
        match self {
            Self::Host(host, port) => {
                let hosts = VecDeque::from([(host.clone(), *port)]);
                next(hosts, VecDeque::new())
            }
            Self::Domain(domain) => {
                let name = format!("_xmpp-client._tcp.{domain}");
                Located::Ask(
                    Lookup::Services(domain.clone()),
                    Question::Services { name },
                )
            }
        }
    }
}

impl Lookup {
    /// Goes on with an answer.
    #[must_use]
    pub fn told(self, told: &Told, ids: &mut Source) -> Located {
        match (self, told) {
            (Self::Services(domain), Told::Services(services, _)) => {
                // RFC 2782: one record of `.` says that there is no such service.
                if let [only] = services.as_slice()
                    && only.host.is_empty()
                {
                    return Located::At(VecDeque::new());
                }
                let mut hosts = in_order(services.clone(), ids);
                if hosts.is_empty() {
                    // RFC 6120 §3.2.2: the domain itself.
                    hosts.push_back((domain, CLIENT_PORT));
                }
                next(hosts, VecDeque::new())
            }
            // No answer: the domain itself is worth a try.
            (Self::Services(domain), _) => {
                next(VecDeque::from([(domain, CLIENT_PORT)]), VecDeque::new())
            }
            (
                Self::Addresses {
                    port,
                    waiting,
                    mut found,
                },
                told,
            ) => {
                if let Told::Addresses(addresses, _) = told {
                    let addresses = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
                    found.extend(addresses);
                }
                next(waiting, found)
            }
        }
    }
}

/// Asks for the addresses of the next host; what is an address already is not asked for.
fn next(mut waiting: VecDeque<(String, u16)>, mut found: VecDeque<SocketAddr>) -> Located {
    while let Some((host, port)) = waiting.pop_front() {
        match host.parse::<IpAddr>() {
            Ok(ip) => found.push_back(SocketAddr::new(ip, port)),
            Err(_) => {
                let lookup = Lookup::Addresses {
                    port,
                    waiting,
                    found,
                };
                return Located::Ask(lookup, Question::Addresses { host });
            }
        }
    }
    found.truncate(PLACES_MAX);
    Located::At(found)
}

/// RFC 2782: by priority, and by chance weighed among those of one.
fn in_order(mut services: Vec<Service>, ids: &mut Source) -> VecDeque<(String, u16)> {
    let mut hosts = VecDeque::new();
    while hosts.len() < PLACES_MAX
        && let Some(best) = services.iter().map(|service| service.priority).min()
    {
        let is_best = |service: &Service| service.priority == best;
        let weights = services.iter().filter(|service| is_best(service));
        let total: u64 = weights.map(|service| u64::from(service.weight) + 1).sum();
        let mut chance = ids.below(total);
        let chosen = services.iter().position(|service| {
            let weight = u64::from(service.weight) + 1;
            let hit = is_best(service) && chance < weight;
            if is_best(service) && !hit {
                chance -= weight;
            }
            hit
        });
        let Some(chosen) = chosen else { break };
        let service = services.remove(chosen);
        hosts.push_back((service.host, service.port));
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

    fn at(located: Located) -> Vec<String> {
        match located {
            Located::At(places) => places.iter().map(ToString::to_string).collect(),
            Located::Ask(_, question) => vec![format!("{question:?}")],
        }
    }

    #[test]
    fn addresses_are_not_asked_for() {
        assert_eq!(
            at(Place::of_client("192.0.2.1").locate()),
            ["192.0.2.1:5222"]
        );
        assert_eq!(
            at(Place::of_client("192.0.2.1:1").locate()),
            ["192.0.2.1:1"]
        );
        assert_eq!(
            at(Place::of_client("[2001:db8::1]:1").locate()),
            ["[2001:db8::1]:1"]
        );
        assert_eq!(
            at(Place::of_client("2001:db8::1").locate()),
            ["[2001:db8::1]:5222"]
        );
        let Located::Ask(_, question) = Place::of_client("host:7").locate() else {
            panic!("a name is asked for");
        };
        assert_eq!(
            question,
            Question::Addresses {
                host: "host".into()
            }
        );
    }

    #[test]
    fn records_of_a_domain_lead_to_addresses_by_priority() {
        let mut ids = Source::from_number(1);
        let Located::Ask(lookup, _) = Place::Domain("example.org".into()).locate() else {
            panic!("records are asked for");
        };
        let service = |priority, host: &str| Service {
            priority,
            weight: 0,
            port: 5000 + priority,
            host: host.into(),
        };
        let services = Told::Services(vec![service(2, "192.0.2.2"), service(1, "b")], HOUR);
        let Located::Ask(lookup, question) = lookup.told(&services, &mut ids) else {
            panic!("the first is asked for");
        };
        assert_eq!(question, Question::Addresses { host: "b".into() });
        let told = Told::Addresses(vec!["192.0.2.1".parse().unwrap()], HOUR);
        let places = at(lookup.told(&told, &mut ids));
        assert_eq!(places, ["192.0.2.1:5001", "192.0.2.2:5002"]);
    }

    #[test]
    fn domain_without_records_is_the_host_and_a_lonely_dot_is_none() {
        let mut ids = Source::from_number(1);
        for told in [Told::Services(Vec::new(), HOUR), Told::Failed("no".into())] {
            let located = Lookup::Services("example.org".into()).told(&told, &mut ids);
            let Located::Ask(_, question) = located else {
                panic!("the domain is asked for");
            };
            assert_eq!(
                question,
                Question::Addresses {
                    host: "example.org".into()
                }
            );
        }
        let dot = Service {
            priority: 0,
            weight: 0,
            port: 0,
            host: String::new(),
        };
        let located = Lookup::Services("x".into()).told(&Told::Services(vec![dot], HOUR), &mut ids);
        assert_eq!(located, Located::At(VecDeque::new()));
    }
}
