//! A small HTTP client: one request, one answer. For `crosspoint ladder`, and for the operator's
//! endpoints of tokens and keys.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

/// Bytes of an answer that are read from an endpoint.
const ANSWER_MAX: usize = 256 * 1024;

/// Asks an endpoint of the operator's, with JSON where `body` has some. Redirects are not followed.
///
/// # Errors
/// No connection, a certificate that does not hold, no HTTP, or an answer over 256 KiB.
pub async fn ask(
    url: &Url,
    body: Option<String>,
    tls: &Arc<ClientConfig>,
) -> io::Result<(StatusCode, Bytes)> {
    let port = url.port_or_known_default().unwrap_or(443);
    let (socket, name) = match url.host() {
        None => return Err(io::Error::other("the URL has no host")),
        Some(Host::Domain(name)) => (TcpStream::connect((name, port)).await?, name.to_owned()),
        Some(Host::Ipv4(ip)) => (TcpStream::connect((ip, port)).await?, ip.to_string()),
        Some(Host::Ipv6(ip)) => (TcpStream::connect((ip, port)).await?, ip.to_string()),
    };
    let method = match body {
        Some(_) => Method::POST,
        None => Method::GET,
    };
    let request = Request::builder()
        .method(method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(
            header::HOST,
            &url[Position::BeforeHost..Position::AfterPort],
        )
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(io::Error::other)?;
    if url.scheme() == "https" {
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        send(
            TokioIo::new(connector.connect(name, socket).await?),
            request,
        )
        .await
    } else {
        send(TokioIo::new(socket), request).await
    }
}

async fn send(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<(StatusCode, Bytes)> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_MAX)
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    Ok((status, body))
}

/// Gets a path; returns the status and the text.
///
/// # Errors
/// No connection, or no HTTP.
pub async fn get(at: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let socket = TcpStream::connect(at).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, at.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
