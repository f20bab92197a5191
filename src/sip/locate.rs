//! Where a URI leads (RFC 3263), as questions and answers: addresses for names, SRV records where
//! neither port nor address is written, the transport by URI, record or default.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::uri::SipUri;
use crate::ask::{Question, Service, Told};
use crate::config::Transport;
use crate::id::Source;

/// One place to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The transport.
    pub transport: Transport,
    /// The address.
    pub remote: SocketAddr,
    /// The name that a TLS certificate has to carry.
    pub name: String,
}

/// A look-up under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name of the URI, which a TLS certificate has to carry (RFC 5922 §7.3).
    domain: String,
    transport: Transport,
    /// The transport where no record says one.
    otherwise: Option<Transport>,
    step: Step,
    found: VecDeque<Hop>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The SRV records are asked for; of these transports after them.
    Services { next: Option<Transport> },
    /// The addresses of the first are asked for; the others wait.
    Addresses {
        port: u16,
        waiting: VecDeque<(String, u16)>,
    },
}

/// How a look-up stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// These are the places, best first; none where there is none.
    Hops(VecDeque<Hop>),
    /// The outside is asked.
    Ask(Lookup, Question),
}

/// Hosts of SRV records that are looked up; more are not worth their questions.
const SERVICES_MAX: usize = 8;

/// Begins to locate a URI; `preferred` is the transport where the URI names none.
#[must_use]
pub fn locate(uri: &SipUri, preferred: Option<Transport>) -> Located {
    let host = uri.parameter("maddr").unwrap_or(&uri.host).to_owned();
    let named = match uri
        .parameter("transport")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("udp") => Some(Transport::Udp),
        Some("tcp") => Some(Transport::Tcp),
        Some("tls") => Some(Transport::Tls),
        _ => None,
    };
    let transport = match (uri.secure, named.or(preferred)) {
        // RFC 3261 §26.2.2: sips means TLS on every hop.
        (true, _) => Transport::Tls,
        // RFC 3263 §4.1: UDP where nothing else is said.
        (false, transport) => transport.unwrap_or(Transport::Udp),
    };
    if let Ok(ip) = host.parse::<IpAddr>() {
        let remote = SocketAddr::new(ip, uri.port.unwrap_or(default_port(transport)));
        return Located::Hops(VecDeque::from([Hop {
            transport,
            remote,
            name: host,
        }]));
    }
    // RFC 3263 §4.1: where nothing says the transport, the records do.
    let open = !uri.secure && named.or(preferred).is_none();
    let step = Step::Services {
        next: open.then_some(Transport::Tcp),
    };
    let lookup = Lookup {
        domain: host,
        transport,
        otherwise: open.then_some(transport),
        step,
        found: VecDeque::new(),
    };
    match uri.port {
        // RFC 3263 §4.2: a port means addresses, no SRV.
        Some(port) => {
            let host = lookup.domain.clone();
            lookup.ask_addresses(host, port, VecDeque::new())
        }
        None => lookup.ask_services(),
    }
}

impl Lookup {
    /// Goes on with an answer.
    #[must_use]
    pub fn told(mut self, told: &Told, ids: &mut Source) -> Located {
        match (self.step.clone(), told) {
            (Step::Services { .. }, Told::Services(services, _)) if !services.is_empty() => {
                let hosts = in_order(services.clone(), ids)
                    .into_iter()
                    .take(SERVICES_MAX)
                    .map(|service| (service.host, service.port));
                self.ask_next(hosts.collect())
            }
            (Step::Services { next: Some(next) }, _) => {
                self.transport = next;
                self.step = Step::Services { next: None };
                self.ask_services()
            }
            // No records, or no answer: the name itself (RFC 3263 §4.2), by UDP where nothing else
            // was said.
            (Step::Services { next: None }, _) => {
                if let Some(said) = self.otherwise {
                    self.transport = said;
                }
                let (host, port) = (self.domain.clone(), default_port(self.transport));
                self.ask_addresses(host, port, VecDeque::new())
            }
            (Step::Addresses { port, waiting }, told) => {
                if let Told::Addresses(addresses, _) = told {
                    for ip in addresses {
                        self.found.push_back(Hop {
                            transport: self.transport,
                            remote: SocketAddr::new(*ip, port),
                            name: self.domain.clone(),
                        });
                    }
                }
                self.ask_next(waiting)
            }
        }
    }

    fn ask_services(self) -> Located {
        let name = match self.transport {
            Transport::Udp => format!("_sip._udp.{}", self.domain),
            Transport::Tcp => format!("_sip._tcp.{}", self.domain),
            Transport::Tls => format!("_sips._tcp.{}", self.domain),
        };
        Located::Ask(self, Question::Services { name })
    }

    fn ask_next(self, mut hosts: VecDeque<(String, u16)>) -> Located {
        match hosts.pop_front() {
            Some((host, port)) => self.ask_addresses(host, port, hosts),
            None => Located::Hops(self.found),
        }
    }

    fn ask_addresses(
        mut self,
        host: String,
        port: u16,
        waiting: VecDeque<(String, u16)>,
    ) -> Located {
        self.step = Step::Addresses { port, waiting };
        Located::Ask(self, Question::Addresses { host })
    }
}

fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

/// By priority; among equals by chance according to weight (RFC 2782).
fn in_order(mut services: Vec<Service>, ids: &mut Source) -> Vec<Service> {
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(lowest) = services.iter().map(|service| service.priority).min() {
        let total: u64 = services
            .iter()
            .filter(|service| service.priority == lowest)
            .map(|service| u64::from(service.weight) + 1)
            .sum();
        let mut pick = ids.below(total);
        let place = services.iter().position(|service| {
            if service.priority != lowest {
                return false;
            }
            let weight = u64::from(service.weight) + 1;
            let hit = pick < weight;
            pick = pick.saturating_sub(weight);
            hit
        });
        match place {
            Some(place) => ordered.push(services.remove(place)),
            None => break,
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::uri::Uri;
    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    fn addresses(ip: &str) -> Told {
        Told::Addresses(vec![ip.parse().unwrap()], LIFE)
    }

    fn start(text: &str) -> Located {
        locate(Uri::parse(text).unwrap().sip().unwrap(), None)
    }

    fn hops(located: Located) -> Vec<String> {
        match located {
            Located::Hops(hops) => hops
                .iter()
                .map(|hop| format!("{} {}", hop.transport.name(), hop.remote))
                .collect(),
            Located::Ask(_, question) => panic!("{question:?}"),
        }
    }

    fn answer(located: Located, told: &Told) -> Located {
        match located {
            Located::Ask(lookup, _) => lookup.told(told, &mut Source::from_number(1)),
            Located::Hops(hops) => panic!("{hops:?}"),
        }
    }

    #[test]
    fn address_needs_no_question() {
        assert_eq!(hops(start("sip:a@192.0.2.1")), ["UDP 192.0.2.1:5060"]);
        assert_eq!(
            hops(start("sip:[2001:db8::1]:5070;transport=TCP")),
            ["TCP [2001:db8::1]:5070"]
        );
        assert_eq!(hops(start("sips:192.0.2.1")), ["TLS 192.0.2.1:5061"]);
    }

    #[test]
    fn port_means_addresses_and_none_means_services() {
        let Located::Ask(_, question) = start("sip:pbx:5070") else {
            panic!()
        };
        assert_eq!(question, Question::Addresses { host: "pbx".into() });
        let Located::Ask(_, question) = start("sips:pbx") else {
            panic!()
        };
        assert_eq!(
            question,
            Question::Services {
                name: "_sips._tcp.pbx".into()
            }
        );
    }

    #[test]
    fn services_are_tried_by_priority() {
        let service = |priority, host: &str| Service {
            priority,
            weight: 0,
            port: 5070,
            host: host.into(),
        };
        let services = Told::Services(vec![service(20, "late"), service(10, "early")], LIFE);
        let early = answer(start("sip:pbx"), &services);
        let Located::Ask(_, question) = &early else {
            panic!()
        };
        assert_eq!(
            *question,
            Question::Addresses {
                host: "early".into()
            }
        );
        let late = answer(early, &addresses("192.0.2.1"));
        let all = answer(late, &addresses("192.0.2.2"));
        assert_eq!(hops(all), ["UDP 192.0.2.1:5070", "UDP 192.0.2.2:5070"]);
    }

    #[test]
    fn without_services_the_name_itself_is_tried() {
        let tcp = answer(start("sip:pbx"), &Told::Failed("no server".into()));
        let Located::Ask(_, question) = &tcp else {
            panic!()
        };
        let name = "_sip._tcp.pbx".to_owned();
        assert_eq!(*question, Question::Services { name });
        let named = answer(tcp, &Told::Services(vec![], LIFE));
        let all = answer(named, &addresses("192.0.2.1"));
        assert_eq!(hops(all), ["UDP 192.0.2.1:5060"]);
    }

    #[test]
    fn certificate_has_to_carry_the_name_of_the_uri_not_of_the_record() {
        let service = Service {
            priority: 1,
            weight: 0,
            port: 5071,
            host: "a.provider".into(),
        };
        let named = answer(start("sips:pbx"), &Told::Services(vec![service], LIFE));
        let all = answer(named, &addresses("192.0.2.1"));
        let Located::Hops(hops) = all else { panic!() };
        assert_eq!(hops.front().map(|hop| hop.name.as_str()), Some("pbx"));
    }
}
