//! What both sides of digest authentication share: the fields of its headers, and the calculation
//! (RFC 7616 §3.4, RFC 8760).

use aws_lc_rs::digest::{SHA256, digest as sha};
use md5::{Digest as _, Md5};

use super::name::{Method, is_token};
use super::uri::{split_outside_quotes, unquoted};

/// The request that is authorized.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its Request-URI as written.
    pub uri: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

/// A hash of RFC 7616 §3.2, the weaker first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    /// `MD5`
    Md5,
    /// `SHA-256`
    Sha256,
}

/// What `algorithm` names (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Algorithm {
    /// The hash.
    pub hash: Hash,
    /// `-sess`: the password enters once for a nonce and a cnonce.
    pub session: bool,
}

/// What is protected, with what that takes (RFC 7616 §3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `auth`: the method and the URI.
    Auth,
    /// `auth-int`: the body, too.
    AuthInt,
}

/// All that enters the calculation but the subject and the password.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The user.
    pub user: &'a str,
    /// The realm.
    pub realm: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// The client's nonce.
    pub cnonce: &'a str,
    /// The protection and the nonce count as it is written; `None` is RFC 2069's calculation.
    pub protection: Option<(Protection, &'a str)>,
}

impl Algorithm {
    /// Reads `algorithm`; MD5 where there is none. `None` for what is not understood, such as AKA.
    #[must_use]
    pub fn parse(name: Option<&str>) -> Option<Self> {
        let (hash, session) = match name.unwrap_or("MD5").to_ascii_uppercase().as_str() {
            "MD5" => (Hash::Md5, false),
            "MD5-SESS" => (Hash::Md5, true),
            "SHA-256" => (Hash::Sha256, false),
            "SHA-256-SESS" => (Hash::Sha256, true),
            _ => return None,
        };
        Some(Self { hash, session })
    }

    fn digest(self, text: &[u8]) -> String {
        match self.hash {
            Hash::Md5 => hex(&Md5::digest(text)),
            Hash::Sha256 => hex(sha(&SHA256, text).as_ref()),
        }
    }
}

impl Protection {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    /// The one to use of a list, `auth` first: a body that a border element rewrites must not cost
    /// the call.
    #[must_use]
    pub fn chosen(list: &str) -> Option<Self> {
        let has = |name: &str| {
            list.split(',')
                .any(|one| one.trim().eq_ignore_ascii_case(name))
        };
        [Self::Auth, Self::AuthInt]
            .into_iter()
            .find(|one| has(one.as_str()))
    }
}

impl Terms<'_> {
    /// The response (RFC 7616 §3.4.1), in lower-case hexadecimal digits.
    #[must_use]
    pub fn response(&self, subject: Subject<'_>, password: &str) -> String {
        let Self {
            algorithm,
            user,
            realm,
            nonce,
            cnonce,
            protection,
        } = self;
        let mut a1 = algorithm.digest(format!("{user}:{realm}:{password}").as_bytes());
        if algorithm.session {
            a1 = algorithm.digest(format!("{a1}:{nonce}:{cnonce}").as_bytes());
        }
        let Subject { method, uri, body } = subject;
        let a2 = match protection {
            Some((Protection::AuthInt, _)) => format!("{method}:{uri}:{}", algorithm.digest(body)),
            Some((Protection::Auth, _)) | None => format!("{method}:{uri}"),
        };
        let a2 = algorithm.digest(a2.as_bytes());
        let text = match protection {
            Some((one, count)) => format!("{a1}:{nonce}:{count}:{cnonce}:{}:{a2}", one.as_str()),
            None => format!("{a1}:{nonce}:{a2}"),
        };
        algorithm.digest(text.as_bytes())
    }
}

/// The fields of one challenge or of one set of credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads all `Digest` challenges or credentials of one header field; other schemes, such as
    /// Bearer, are passed over.
    #[must_use]
    pub fn all(value: &str) -> Vec<Self> {
        let mut found: Vec<(bool, Self)> = Vec::new();
        for part in split_outside_quotes(value, ',') {
            let mut part = part.trim();
            // `Scheme name=value` begins anew; `name = value` goes on.
            if let Some((scheme, rest)) = part.split_once(char::is_whitespace) {
                let rest = rest.trim_start();
                if is_token(scheme) && !rest.starts_with('=') {
                    let digest = scheme.eq_ignore_ascii_case("Digest");
                    found.push((digest, Self::default()));
                    part = rest;
                }
            }
            if let (Some((name, value)), Some((_, fields))) =
                (part.split_once('='), found.last_mut())
            {
                let field = (name.trim().to_owned(), unquoted(value.trim()));
                fields.0.push(field);
            }
        }
        let digests = found.into_iter().filter(|(digest, _)| *digest);
        digests.map(|(_, fields)| fields).collect()
    }

    /// A field's value, without its quotes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A field's value as text of our own.
    #[must_use]
    pub fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(algorithm: &str) -> Terms<'static> {
        Terms {
            algorithm: Algorithm::parse(Some(algorithm)).unwrap(),
            user: "Mufasa",
            realm: "http-auth@example.org",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            protection: Some((Protection::Auth, "00000001")),
        }
    }

    // RFC 7616 §3.9.1.
    #[test]
    fn examples_of_the_rfc_come_out() {
        let method = Method::Other("GET".into());
        let subject = Subject {
            method: &method,
            uri: "/dir/index.html",
            body: b"",
        };
        assert_eq!(
            terms("MD5").response(subject, "Circle of Life"),
            "8ca523f5e9506fed4657c9700eebdbec"
        );
        assert_eq!(
            terms("SHA-256").response(subject, "Circle of Life"),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    // RFC 2617 §3.5, and RFC 2069 §2.4 as erratum 749 corrects it.
    #[test]
    fn examples_of_the_older_rfcs_come_out() {
        let method = Method::Other("GET".into());
        let subject = Subject {
            method: &method,
            uri: "/dir/index.html",
            body: b"",
        };
        let with = Terms {
            realm: "testrealm@host.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            cnonce: "0a4f113b",
            ..terms("MD5")
        };
        assert_eq!(
            with.response(subject, "Circle Of Life"),
            "6629fae49393a05397450978507c4ef1"
        );
        let without = Terms {
            protection: None,
            realm: "testrealm@host.com",
            ..with
        };
        assert_eq!(
            without.response(subject, "CircleOfLife"),
            "1949323746fe6a43ef61f9606e7febea"
        );
    }

    #[test]
    fn fields_are_read_whatever_stands_around_them() {
        let value = "Bearer authz_server=\"https://a, b\", Digest realm = \"a, \\\"b\\\"\" , \
            nonce=x,qop=\"auth,auth-int\", digest realm=r,NONCE=\"y\"";
        let all = Fields::all(value);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("realm"), Some("a, \"b\""));
        assert_eq!(all[0].get("qop"), Some("auth,auth-int"));
        assert_eq!(
            (all[1].get("realm"), all[1].get("nonce")),
            (Some("r"), Some("y"))
        );
        assert_eq!(Fields::all("Basic realm=\"x\""), []);
        assert_eq!(Fields::all("realm=\"x\""), []);
    }
}
