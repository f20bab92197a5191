//! The HTTP side: the page, the client library, the WebSocket's handshake, health and metrics.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use super::admission::{Admission, Seat, Visitor};
use super::websocket::{self, Limits};
use super::{Arrival, Inbox, Report};
use crate::ws::ConnectionId;
use crate::ws::origin::Origins;

/// What every request handler needs.
#[derive(Debug)]
pub struct Shared {
    /// Where inputs go.
    pub inbox: Inbox,
    /// Which pages may connect.
    pub origins: Origins,
    /// Limits of a WebSocket.
    pub limits: Limits,
    /// Whether the page is served.
    pub page: bool,
    /// Whether new calls are taken.
    pub ready: AtomicBool,
    /// Numbers connections.
    pub connections: AtomicU64,
}

/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of the buffer of an HTTP connection; a request for the WebSocket has a small head.
const HTTP_BUFFER: usize = 16 * 1024;

/// Serves the page, the library and the WebSocket.
pub fn public(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/ws", get(handshake))
        .route(
            "/",
            get(|state| asset(state, Path("index.html".to_owned()))),
        )
        .route("/{file}", get(asset))
        .with_state(Arc::clone(shared))
}

/// Serves health, readiness, metrics and the ladders of calls.
pub fn admin(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(|state| report(state, Report::Metrics)))
        .route("/calls", get(|state| report(state, Report::Calls)))
        .route(
            "/calls/{call}",
            get(|state, Path(call)| report(state, Report::Ladder(call))),
        )
        .with_state(Arc::clone(shared))
}

/// Serves the same to this machine alone, on listeners that the world may reach: who calls whom is
/// nobody else's business. A name that a foreign page has turned to this machine does not pass
/// (DNS rebinding), nor what a proxy forwards.
pub fn admin_here(shared: &Arc<Shared>) -> Router {
    admin(shared).layer(from_fn(only_here))
}

async fn only_here(
    ConnectInfo(Peer { remote, .. }): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let open = matches!(request.uri().path(), "/health" | "/ready");
    let forwarded = headers.contains_key(header::FORWARDED) || headers.contains_key(FORWARDED_FOR);
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if open || (remote.ip().is_loopback() && !forwarded && host.is_some_and(is_this_machine)) {
        return next.run(request).await;
    }
    let why = "Metrics and ladders are shown to this machine alone, by 127.0.0.1 or localhost; \
               `server.metrics_listen` gives them an address of their own.\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

/// Whether a Host header names this machine by an address of its loopback, or as localhost.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let ip = name.trim_start_matches('[').trim_end_matches(']');
    let ip: Option<IpAddr> = ip.parse().ok();
    name.eq_ignore_ascii_case("localhost") || ip.is_some_and(|ip| ip.is_loopback())
}

/// What proxies put before RFC 7239's Forwarded.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Serves HTTP on a listener until the process ends.
pub fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    (admission, visitor): (Arc<Admission>, Visitor),
) {
    tokio::spawn(async move {
        loop {
            let (socket, remote, seat) = admission.accept(&listener, visitor).await;
            let peer = Peer {
                remote,
                seat: Arc::new(seat),
            };
            tokio::spawn(connection(socket, peer, router.clone(), tls.clone()));
        }
    });
}

async fn connection(
    socket: tokio::net::TcpStream,
    peer: Peer,
    router: Router,
    tls: Option<TlsAcceptor>,
) {
    let remote = peer.remote;
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let mut make = router.into_make_service_with_connect_info::<Peer>();
    let Ok(service) = make.call(Arrived(peer)).await;
    let service = TowerToHyperService::new(service);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HTTP_BUFFER);
    match tls {
        None => {
            let serving = http
                .serve_connection(TokioIo::new(socket), service)
                .with_upgrades();
            if let Err(error) = serving.await {
                tracing::debug!(%error, %remote, "an HTTP connection ended badly");
            }
        }
        Some(tls) => match tokio::time::timeout(HEAD_DEADLINE, tls.accept(socket)).await {
            Ok(Ok(socket)) => {
                let serving = http
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades();
                if let Err(error) = serving.await {
                    tracing::debug!(%error, %remote, "an HTTPS connection ended badly");
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, %remote, "a TLS hand-shake failed"),
            Err(_) => tracing::debug!(%remote, "a TLS hand-shake took too long"),
        },
    }
}

/// Who has connected, and his room: a WebSocket keeps it when it has outgrown HTTP.
#[derive(Clone, Debug)]
struct Peer {
    remote: SocketAddr,
    seat: Arc<Seat>,
}

/// An accepted connection, for [`ConnectInfo`].
struct Arrived(Peer);

impl axum::extract::connect_info::Connected<Arrived> for Peer {
    fn connect_info(arrived: Arrived) -> Self {
        arrived.0
    }
}

async fn handshake(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(Peer { remote, seat }): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if !shared
        .origins
        .allow(text(header::ORIGIN), text(header::HOST))
    {
        let origin = text(header::ORIGIN);
        tracing::info!(origin, %remote, "a page of this origin may not connect");
        let why = "This page may not use this gateway: its origin is not in `server.origins`.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let offers = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if !offers
        .split(',')
        .any(|offer| offer.trim() == websocket::SUBPROTOCOL)
    {
        let why = "Offer the WebSocket subprotocol `crosspoint.v1`.\n";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let connection = ConnectionId(shared.connections.fetch_add(1, Ordering::Relaxed) + 1);
    let (inbox, limits) = (shared.inbox.clone(), shared.limits);
    let client = websocket::Client {
        connection,
        peer: remote.to_string(),
        seat,
    };
    websocket::upgrade(upgrade, client, inbox, limits)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.ready.load(Ordering::Relaxed) {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response()
    }
}

async fn report(State(shared): State<Arc<Shared>>, wanted: Report) -> Response {
    let (reply, answer) = oneshot::channel();
    shared.inbox.put(Arrival::Report { wanted, reply }).await;
    match answer.await {
        Ok(Some(text)) => text.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such call\n").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// A file of the page.
async fn asset(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    const CLOSED: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; \
                          base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
    let found = super::page::FILES
        .iter()
        .find(|file| file.name == name && shared.page);
    let Some(file) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CLOSED),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (headers, file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

    use super::super::{admission, client};
    use super::*;

    #[tokio::test]
    async fn websocket_keeps_its_room_until_it_ends() {
        let (inbox, _arrivals) = Inbox::new();
        let shared = Arc::new(Shared {
            inbox,
            origins: Origins::new(&[]),
            limits: Limits {
                frame_max: 1000,
                queue_max: 8,
                write_deadline: Duration::from_secs(1),
            },
            page: true,
            ready: AtomicBool::new(true),
            connections: AtomicU64::new(0),
        });
        let admission = Admission::new(admission::Limits {
            per_address: 9,
            connections: 1,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let visitors = (Arc::clone(&admission), Visitor::Client);
        serve(listener, public(&shared), None, visitors);
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        let protocol = HeaderValue::from_static(websocket::SUBPROTOCOL);
        let name = header::SEC_WEBSOCKET_PROTOCOL;
        request.headers_mut().insert(name, protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert!(client::get(address, "/").await.is_err(), "there is no room");
        assert_eq!(admission.refused()[1].1, 1);
        drop(socket);
        let freed = async {
            while client::get(address, "/").await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), freed)
            .await
            .expect("its room is free again");
    }

    #[test]
    fn only_loopback_and_localhost_are_this_machine() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "LOCALHOST:8443",
            "[::1]:80",
            "127.3.2.1",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "rebound.example",
            "rebound.example:8080",
            "192.0.2.1",
            "",
            "127.0.0.1.nip.io",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
