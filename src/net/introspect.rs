//! Asks the operator's HTTP endpoint whom a token belongs to.
//!
//! `POST` with `{"token":"…"}`; an answer of 200 with the claims as JSON lets the client in, 401
//! and 403 do not, anything else is a failure of the endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use url::Url;

use super::{client, tls};
use crate::ask::{Question, Told};
use crate::config::Config;

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
    let (status, body) = client::ask(&endpoint.url, Some(body), &endpoint.tls).await?;
    match status {
        StatusCode::OK => Ok(Told::Introspected(
            String::from_utf8_lossy(&body).into_owned(),
        )),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Told::Introspected("null".into())),
        other => Ok(Told::Failed(format!("the endpoint answered {other}"))),
    }
}
