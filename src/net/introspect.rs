//! Asks the operator's HTTP endpoint whom a token belongs to.
//!
//! `POST` with `{"token":"…"}`; an answer of 200 with the claims as JSON lets the client in, 401
//! and
//! 403 do not, anything else is a failure of the endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::tls;
use crate::ask::{Question, Told};
use crate::config::Config;

/// Bytes of the endpoint's answer that are read.
const ANSWER_MAX: usize = 64 * 1024;

/// The operator's endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    timeout: Duration,
    tls: Arc<rustls::ClientConfig>,
}

impl Endpoint {
    /// The endpoint of the configuration, if it names one.
    ///
    /// # Errors
    /// A URL that cannot be used.
    pub fn new(config: &Config) -> io::Result<Option<Self>> {
        let Some(http) = &config.auth.http else {
            return Ok(None);
        };
        let url = Url::parse(&http.url).map_err(io::Error::other)?;
        Ok(Some(Self {
            url,
            timeout: http.timeout,
            tls: tls::client(None)?,
        }))
    }
}

/// Answers a question about a token.
pub async fn answer(endpoint: Option<Endpoint>, question: &Question) -> Told {
    let (Some(endpoint), Question::Introspect { token }) = (endpoint, question) else {
        return Told::Failed("no endpoint is configured for this question".into());
    };
    let body = serde_json::json!({ "token": token.0 }).to_string();
    match tokio::time::timeout(endpoint.timeout, post(&endpoint, body)).await {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => Told::Failed(error.to_string()),
        Err(_) => Told::Failed("the endpoint did not answer in time".into()),
    }
}

async fn post(endpoint: &Endpoint, body: String) -> io::Result<Told> {
    let url = &endpoint.url;
    let host = url
        .host_str()
        .ok_or_else(|| io::Error::other("the URL has no host"))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let socket = TcpStream::connect((host, port)).await?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(
            header::HOST,
            &url[url::Position::BeforeHost..url::Position::AfterPort],
        )
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    if url.scheme() == "https" {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let socket = TlsConnector::from(Arc::clone(&endpoint.tls))
            .connect(name, socket)
            .await?;
        send(TokioIo::new(socket), request).await
    } else {
        send(TokioIo::new(socket), request).await
    }
}

async fn send(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<Told> {
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
    match status {
        StatusCode::OK => Ok(Told::Introspected(
            String::from_utf8_lossy(&body).into_owned(),
        )),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Told::Introspected("null".into())),
        other => Ok(Told::Failed(format!("the endpoint answered {other}"))),
    }
}
