//! `[server]`: the page, the WebSocket, health and metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The HTTP side.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Addresses that are listened on.
    pub listen: Vec<SocketAddr>,
    /// Certificate and key: then it is HTTPS and WSS.
    pub tls: Option<TlsFiles>,
    /// Pages that may connect besides this gateway's own: origins, or `*`.
    pub origins: Vec<String>,
    /// Whether the page is served.
    pub page: bool,
    /// Health, metrics and ladders on an address of their own, without TLS.
    pub metrics_listen: Option<SocketAddr>,
    /// Connections of one address; those of this machine are not counted.
    pub connections_per_address: usize,
    /// Descriptors that connections of others leave to running calls.
    pub descriptors_reserved: usize,
}

/// A certificate chain and its key, PEM.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            tls: None,
            origins: Vec::new(),
            page: true,
            metrics_listen: None,
            connections_per_address: 5000,
            descriptors_reserved: 200,
        }
    }
}
