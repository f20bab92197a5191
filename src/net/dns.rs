//! Answers the gateway's questions about names (RFC 1035, RFC 2782).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

use crate::ask::{Question, Service, Told};

/// How long a question may take. The transaction that waits for it has 32 s (RFC 3261 §17.1.1.2).
const PATIENCE: Duration = Duration::from_secs(5);

/// The system's resolver.
#[derive(Clone, Debug)]
pub struct Resolver {
    resolver: Option<TokioResolver>,
}

impl Resolver {
    /// The resolver that the system's configuration describes. Where there is none, every question
    /// is answered with that.
    #[must_use]
    pub fn system() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        if let Err(error) = &resolver {
            tracing::warn!(%error, "no name server: only addresses and local names can be used");
        }
        Self {
            resolver: resolver.ok(),
        }
    }

    /// Answers a question about a name; `None` where it is not about one.
    pub async fn answer(&self, question: &Question) -> Option<Told> {
        let work = async {
            match question {
                Question::Addresses { host } => Some(self.addresses(host).await),
                Question::Services { name } => Some(self.services(name).await),
                Question::Introspect { .. } => None,
            }
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(told) => told,
            Err(_) => Some(Told::Failed(
                "the name server did not answer in time".into(),
            )),
        }
    }

    async fn addresses(&self, host: &str) -> Told {
        if host.eq_ignore_ascii_case("localhost") {
            return Told::Addresses(vec![IpAddr::from([127, 0, 0, 1])], Duration::MAX);
        }
        let Some(resolver) = &self.resolver else {
            return no_server();
        };
        match resolver.lookup_ip(host).await {
            Ok(found) => Told::Addresses(found.iter().collect(), life(found.valid_until())),
            Err(error) if error.is_no_records_found() => {
                Told::Addresses(Vec::new(), Duration::ZERO)
            }
            Err(error) => Told::Failed(error.to_string()),
        }
    }

    async fn services(&self, name: &str) -> Told {
        let Some(resolver) = &self.resolver else {
            return no_server();
        };
        match resolver.srv_lookup(name).await {
            Ok(found) => {
                let services = found.answers().iter();
                let services = services.filter_map(|record| match &record.data {
                    RData::SRV(srv) => Some(Service {
                        priority: srv.priority,
                        weight: srv.weight,
                        port: srv.port,
                        host: srv.target.to_utf8().trim_end_matches('.').to_owned(),
                    }),
                    _ => None,
                });
                Told::Services(services.collect(), life(found.valid_until()))
            }
            Err(error) if error.is_no_records_found() => Told::Services(Vec::new(), Duration::ZERO),
            Err(error) => Told::Failed(error.to_string()),
        }
    }
}

fn life(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn no_server() -> Told {
    Told::Failed("this machine has no name server configured".into())
}
