//! Requests and responses: a start line, header fields in order, a body (RFC 3261 §7).
//!
//! A message that was read keeps its text and where each field lies in it; a message that is built
//! owns its fields. Either way a field is found by its name and read when somebody asks.

use super::header::{CSeq, Via};
use super::name::{Method, Name};
use super::uri::{NameAddr, Uri, split_at_bracket, split_outside_quotes};

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// Text that may stand in a header field: no CR, LF or NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText(String);

/// A text that cannot stand in a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a control character at byte {0}: it cannot stand in a header field")]
pub struct HeaderTextError(pub usize);

impl TryFrom<&str> for HeaderText {
    type Error = HeaderTextError;

    fn try_from(text: &str) -> Result<Self, HeaderTextError> {
        match text.find(|c: char| c.is_control() && c != '\t') {
            Some(at) => Err(HeaderTextError(at)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl HeaderText {
    /// The text with CR, LF and NUL left out: for what is composed of parts that were checked
    /// already, where there are none, and for what is copied from a message that was read. Other
    /// control characters stay: one behind a backslash would leave the backslash to the next.
    #[must_use]
    pub fn composed(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.contains(['\r', '\n', '\0']) {
            text.retain(|c| !matches!(c, '\r' | '\n' | '\0'));
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Header fields in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers {
    source: String,
    fields: Vec<(Name, Value)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    /// Lies in the source, from and to these bytes.
    Read(u32, u32),
    /// Our own, or unfolded.
    Own(String),
}

impl Headers {
    /// Fields that lie in a received text; [`Headers::read`] and [`Headers::unfolded`] add them.
    #[must_use]
    pub fn of_source(source: String) -> Self {
        Self {
            source,
            fields: Vec::with_capacity(20),
        }
    }

    /// Adds a field that lies in the source.
    pub fn read(&mut self, name: Name, from: usize, to: usize) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.fields
            .push((name, Value::Read(place(from), place(to))));
    }

    /// Adds a received field that had to be put together from folded lines.
    pub fn unfolded(&mut self, name: Name, value: String) {
        self.fields.push((name, Value::Own(value)));
    }

    /// The received text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: Name, value: HeaderText) {
        self.fields.push((name, Value::Own(value.0)));
    }

    /// Adds a field at the beginning, where a new Via stands.
    pub fn push_front(&mut self, name: Name, value: HeaderText) {
        self.fields.insert(0, (name, Value::Own(value.0)));
    }

    /// Sets the one field of this name, in its place or at the end.
    pub fn set(&mut self, name: Name, value: HeaderText) {
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = Value::Own(value.0),
            None => self.push(name, value),
        }
    }

    /// Replaces the first element of a list header, whose others stay as they are.
    pub fn set_first(&mut self, name: &Name, value: &HeaderText) {
        let Some(at) = self.fields.iter().position(|(known, _)| known == name) else {
            return;
        };
        let rest: Vec<&str> = {
            let field = self.get(name).unwrap_or_default();
            let elements = split_outside_quotes(field, ',').map(str::trim);
            elements.filter(|text| !text.is_empty()).skip(1).collect()
        };
        let mut text = value.0.clone();
        for element in rest {
            text.push_str(", ");
            text.push_str(element);
        }
        self.fields[at].1 = Value::Own(text);
    }

    /// Removes all fields of this name.
    pub fn remove(&mut self, name: &Name) {
        self.fields.retain(|(known, _)| known != name);
    }

    /// The first field of this name.
    #[must_use]
    pub fn get(&self, name: &Name) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All fields of this name, in order, each as one text.
    pub fn all<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All elements of a list header, however they are spread over fields (RFC 3261 §7.3.1).
    pub fn list<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> {
        self.all(name)
            .flat_map(|value| split_outside_quotes(value, ','))
            .map(str::trim)
            .filter(|element| !element.is_empty())
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.fields.iter().map(|(name, value)| {
            let text = match value {
                Value::Own(text) => text.as_str(),
                Value::Read(from, to) => self
                    .source
                    .get(*from as usize..*to as usize)
                    .unwrap_or_default(),
            };
            (name, text)
        })
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Where the first field of this name lies in the source; its end for one that does not.
    #[must_use]
    pub fn place(&self, name: &Name) -> usize {
        let found = self.fields.iter().find(|(known, _)| known == name);
        match found {
            Some((_, Value::Read(from, _))) => *from as usize,
            Some((_, Value::Own(_))) | None => self.source.len(),
        }
    }

    /// A number, where the field is one.
    #[must_use]
    pub fn number(&self, name: &Name) -> Option<u32> {
        let text = self.get(name)?;
        let digits = text
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default();
        digits.parse().ok()
    }

    /// The topmost Via, which says where a response goes.
    #[must_use]
    pub fn via(&self) -> Option<Via> {
        self.list(&Name::Via).next().and_then(Via::parse)
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.get(&Name::CallId).unwrap_or_default()
    }

    /// The CSeq.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq> {
        self.get(&Name::CSeq).and_then(CSeq::parse)
    }

    /// A header that holds one name-addr.
    #[must_use]
    pub fn name_addr(&self, name: &Name) -> Option<NameAddr> {
        self.get(name).and_then(|text| NameAddr::parse(text).ok())
    }

    /// The From.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr> {
        self.name_addr(&Name::From)
    }

    /// The To.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr> {
        self.name_addr(&Name::To)
    }

    /// The From tag; the empty text where there is none (RFC 2543).
    #[must_use]
    pub fn from_tag(&self) -> &str {
        self.get(&Name::From).and_then(tag_of).unwrap_or_default()
    }

    /// The To tag.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.get(&Name::To).and_then(tag_of)
    }

    /// Contacts, Routes, Record-Routes: all name-addrs of a list header that can be read.
    pub fn name_addrs<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = NameAddr> + 'a {
        self.list(name)
            .filter_map(|text| NameAddr::parse(text).ok())
    }

    /// Whether a list header holds this token.
    #[must_use]
    pub fn lists(&self, name: &Name, token: &str) -> bool {
        self.list(name)
            .any(|known| known.eq_ignore_ascii_case(token))
    }
}

/// The tag of a From or To, found without reading the rest.
fn tag_of(text: &str) -> Option<&str> {
    let after = match split_at_bracket(text) {
        Some((_, rest)) => rest.split_once('>')?.1,
        None => &text[text.find(';')?..],
    };
    split_outside_quotes(after, ';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("tag")
            .then(|| value.trim())
            .filter(|tag| !tag.is_empty())
    })
}

impl Message {
    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The start line, for a trace.
    #[must_use]
    pub fn start_line(&self) -> String {
        match self {
            Self::Request(request) => format!("{} {}", request.method, request.uri),
            Self::Response(response) => format!("{} {}", response.status, response.reason),
        }
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

impl Request {
    /// A request without header fields.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<String>) -> Self {
        self.headers.push(name, HeaderText::composed(value));
        self
    }

    /// Sets the body and its type.
    pub fn set_body(&mut self, kind: &str, body: Vec<u8>) {
        self.headers
            .set(Name::ContentType, HeaderText::composed(kind));
        self.body = body;
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + self.body.len());
        for part in [
            self.method.as_str(),
            " ",
            &self.uri.to_string(),
            " SIP/2.0\r\n",
        ] {
            out.extend_from_slice(part.as_bytes());
        }
        write_rest(&mut out, &self.headers, &self.body);
        out
    }
}

impl Request {
    /// How many bytes [`Request::to_bytes`] has.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        let start = self.method.as_str().len() + self.uri.to_string().len() + "  SIP/2.0\r\n".len();
        let fields = self
            .headers
            .iter()
            .filter(|(name, _)| **name != Name::ContentLength)
            .map(|(name, value)| name.as_str().len() + value.len() + 4);
        let length = "Content-Length: \r\n\r\n".len() + self.body.len().to_string().len();
        start + fields.sum::<usize>() + length + self.body.len()
    }
}

impl Response {
    /// A response to a request: its Via fields, From, To, Call-ID and CSeq (RFC 3261 §8.2.6.2); the
    /// To tag is added where there is none yet and one is given.
    #[must_use]
    pub fn to(request: &Request, status: u16, reason: &str, to_tag: Option<&str>) -> Self {
        let mut headers = Headers::default();
        for (name, value) in request.headers.iter() {
            match name {
                Name::Via | Name::From | Name::CallId | Name::CSeq => {
                    headers.push(name.clone(), HeaderText::composed(value));
                }
                Name::To => {
                    let tag = to_tag.filter(|_| tag_of(value).is_none());
                    let value = match tag {
                        Some(tag) => format!("{value};tag={tag}"),
                        None => value.to_owned(),
                    };
                    headers.push(Name::To, HeaderText::composed(value));
                }
                _ => {} // RFC 3261 §8.2.6.2: nothing else is copied into every response.
            }
        }
        Self {
            status,
            reason: HeaderText::composed(reason).0,
            headers,
            body: Vec::new(),
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<String>) -> Self {
        self.headers.push(name, HeaderText::composed(value));
        self
    }

    /// Sets the body and its type.
    pub fn set_body(&mut self, kind: &str, body: Vec<u8>) {
        self.headers
            .set(Name::ContentType, HeaderText::composed(kind));
        self.body = body;
    }

    /// Adds this To tag where there is none yet.
    pub fn tag(&mut self, tag: &str) {
        if let Some(to) = self
            .headers
            .get(&Name::To)
            .filter(|to| tag_of(to).is_none())
        {
            let tagged = HeaderText::composed(format!("{to};tag={tag}"));
            self.headers.set(Name::To, tagged);
        }
    }

    /// Whether it is 100 to 199.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// Whether it is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + self.body.len());
        for part in [
            "SIP/2.0 ",
            &self.status.to_string(),
            " ",
            &self.reason,
            "\r\n",
        ] {
            out.extend_from_slice(part.as_bytes());
        }
        write_rest(&mut out, &self.headers, &self.body);
        out
    }
}

/// Header fields, Content-Length (RFC 3261 §20.14: always, so that streams can be framed), body.
fn write_rest(out: &mut Vec<u8>, headers: &Headers, body: &[u8]) {
    for (name, value) in headers
        .iter()
        .filter(|(name, _)| **name != Name::ContentLength)
    {
        for part in [name.as_str(), ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    for part in ["Content-Length: ", &body.len().to_string(), "\r\n\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_cannot_get_into_a_header() {
        assert_eq!(
            HeaderText::try_from("a\r\nEvil: 1"),
            Err(HeaderTextError(1))
        );
        let request = Request::new(Method::Options, Uri::parse("sip:x").unwrap())
            .with(Name::Subject, "a\r\nEvil: 1");
        assert!(
            !String::from_utf8(request.to_bytes())
                .unwrap()
                .contains("\r\nEvil")
        );
    }

    #[test]
    fn length_is_known_without_writing() {
        let mut request = Request::new(Method::Invite, Uri::parse("sip:a@b;x=y").unwrap())
            .with(Name::Subject, "é")
            .with(Name::ContentLength, "7");
        for body in [0, 9, 10, 1500] {
            request.set_body("application/sdp", vec![b'x'; body]);
            assert_eq!(request.bytes_len(), request.to_bytes().len());
        }
    }

    #[test]
    fn tag_is_found_outside_the_brackets() {
        assert_eq!(tag_of("\"a;tag=1\" <sip:b;tag=2>;x=y; TAG = 3"), Some("3"));
        assert_eq!(tag_of("sip:b;tag=4"), Some("4"));
        assert_eq!(tag_of("<sip:b>"), None);
        assert_eq!(tag_of("<sip:b>;x=\"y;tag=fake\";tag=5"), Some("5"));
        assert_eq!(tag_of("<sip:b>;tag=6;x=\">\""), Some("6"));
    }
}
