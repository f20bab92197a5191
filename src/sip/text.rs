//! Bytes to messages (RFC 3261 §7, §18.3, §25.1), with limits, without a panic, in one pass.
//!
//! Liberal where every peer in the field is liberal (line ends of LF alone, folded lines, compact
//! names, bytes that are not UTF-8, a missing Content-Length in a datagram), strict where a message
//! could be read in two ways.

use super::header::{CSeq, Via};
use super::message::{Headers, Message, Request, Response};
use super::name::{Method, Name};
use super::uri::{NameAddr, Uri, split_outside_quotes};

/// What a message may measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole.
    pub message_bytes_max: usize,
    /// Header fields.
    pub headers_max: usize,
    /// Bytes of one header field.
    pub header_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 65_535,
            headers_max: 256,
            header_bytes_max: 8192,
        }
    }
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SIP message, at byte {at}: expected {expected}")]
pub struct ParseFault {
    /// Where it ceases to be one.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// What came of reading a datagram or a frame.
#[derive(Debug)]
pub enum Parsed {
    /// A message.
    Message(Message),
    /// A request that breaks a rule, of which enough can be read to answer it with this status.
    Answerable(Box<Request>, u16, ParseFault),
}

/// Header fields that a message cannot do without (RFC 3261 §8.1.1).
const MANDATORY: [(Name, &str); 5] = [
    (Name::Via, "a Via"),
    (Name::From, "a From"),
    (Name::To, "a To"),
    (Name::CallId, "a Call-ID"),
    (Name::CSeq, "a CSeq"),
];

/// Header fields of name-addrs that a dialog is built of: skipping one would send the next request
/// elsewhere.
const ADDRESSES: [(Name, &str); 3] = [
    (Name::Contact, "a Contact that can be read"),
    (Name::Route, "a Route that can be read"),
    (Name::RecordRoute, "a Record-Route that can be read"),
];

/// Reads one message that fills the bytes. Line ends before it are passed over (RFC 3261 §7.5);
/// places in a [`ParseFault`] count from behind them.
///
/// # Errors
/// [`ParseFault`] where it is no message and cannot be answered.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed, ParseFault> {
    if bytes.len() > limits.message_bytes_max {
        let at = limits.message_bytes_max;
        return Err(ParseFault {
            at,
            expected: "fewer bytes",
        });
    }
    let first = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'));
    let bytes = &bytes[first.unwrap_or(bytes.len())..];
    let (head_end, body_start) = head(bytes);
    let source = match std::str::from_utf8(&bytes[..head_end]) {
        Ok(text) => text.to_owned(),
        // RFC 3261 §7.3.1: UTF-8, but a display name in Latin-1 must not cost the call.
        Err(_) => String::from_utf8_lossy(&bytes[..head_end]).into_owned(),
    };
    let source = without_nul(source)?;
    let start_end = source.find('\n').unwrap_or(source.len());
    let headers = fields(source, start_end + 1, limits)?;
    let start = headers.source()[..start_end]
        .trim_end_matches('\r')
        .to_owned();
    let body = &bytes[body_start.min(bytes.len())..];
    if start.starts_with("SIP/") {
        return response(&start, headers, body).map(Parsed::Message);
    }
    request(&start, headers, body)
}

/// A NUL may stand in a quoted string behind a backslash (RFC 3261 §25.1, `quoted-pair`), where it
/// is left out; anywhere else it is a fault.
fn without_nul(source: String) -> Result<String, ParseFault> {
    let expected = "no NUL";
    match source.find('\0') {
        None => Ok(source),
        Some(_) => {
            let rest = source.replace("\\\0", "");
            rest.find('\0')
                .map_or(Ok(rest), |at| Err(ParseFault { at, expected }))
        }
    }
}

/// Where the head ends (its last line end left out) and the body begins.
fn head(bytes: &[u8]) -> (usize, usize) {
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|b| *b == b'\n') {
        let end = at + next;
        match &bytes[end + 1..] {
            [b'\n', ..] => return (end + 1, end + 2),
            [b'\r', b'\n', ..] => return (end + 1, end + 3),
            _ => at = end + 1,
        }
    }
    (bytes.len(), bytes.len())
}

/// Reads the header fields from `at` on; folded lines are joined by one space (RFC 3261 §7.3.1).
fn fields(source: String, at: usize, limits: &Limits) -> Result<Headers, ParseFault> {
    let mut lines = Vec::with_capacity(24);
    let mut at = at.min(source.len());
    while at < source.len() {
        let end = source[at..]
            .find('\n')
            .map_or(source.len(), |next| at + next);
        let text = source[at..end].trim_end_matches('\r');
        if !text.is_empty() {
            lines.push((at, at + text.len()));
        }
        at = end + 1;
    }
    let mut headers = Headers::of_source(source);
    let mut place = 0;
    while place < lines.len() {
        let (from, to) = lines[place];
        place += 1;
        let mut folded = Vec::new();
        while let Some(&(from, to)) = lines.get(place) {
            if !headers.source()[from..to].starts_with([' ', '\t']) {
                break;
            }
            folded.push((from, to));
            place += 1;
        }
        let (name, value_from) = name_of(headers.source(), from, to)?;
        let length = folded.iter().map(|(from, to)| to - from).sum::<usize>() + (to - from);
        if length > limits.header_bytes_max {
            return Err(ParseFault {
                at: from,
                expected: "a shorter header field",
            });
        }
        if headers.len() >= limits.headers_max {
            return Err(ParseFault {
                at: from,
                expected: "fewer header fields",
            });
        }
        if folded.is_empty() {
            let text = &headers.source()[value_from..to];
            let from = value_from + (text.len() - text.trim_start().len());
            let to = from + text.trim().len();
            headers.read(name, from, to);
        } else {
            let parts = std::iter::once((value_from, to)).chain(folded);
            let joined: Vec<_> = parts
                .map(|(from, to)| headers.source()[from..to].trim())
                .collect();
            let value = joined.join(" ").trim().to_owned();
            headers.unfolded(name, value);
        }
    }
    Ok(headers)
}

/// The name of a header field, and where its value begins.
fn name_of(source: &str, from: usize, to: usize) -> Result<(Name, usize), ParseFault> {
    let line = &source[from..to];
    let fault = ParseFault {
        at: from,
        expected: "a header field",
    };
    let colon = line.find(':').ok_or(fault)?;
    let name = Name::parse(line[..colon].trim_end_matches([' ', '\t'])).ok_or(fault)?;
    Ok((name, from + colon + 1))
}

fn response(start: &str, headers: Headers, body: &[u8]) -> Result<Message, ParseFault> {
    let fault = ParseFault {
        at: 0,
        expected: "`SIP/2.0`, a status from 100 to 699, a reason",
    };
    let rest = start.strip_prefix("SIP/2.0 ").ok_or(fault)?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let digits = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    let status: u16 = status
        .parse()
        .ok()
        .filter(|s| digits && (100..700).contains(s))
        .ok_or(fault)?;
    if let Some(fault) = broken(&headers) {
        return Err(fault);
    }
    if headers.cseq().is_none() {
        let at = headers.place(&Name::CSeq);
        let expected = "a CSeq that can be read";
        return Err(ParseFault { at, expected });
    }
    let body = cut(&headers, body)?;
    let reason = reason.chars().filter(|c| !c.is_control()).collect();
    Ok(Message::Response(Response {
        status,
        reason,
        headers,
        body,
    }))
}

fn request(start: &str, headers: Headers, body: &[u8]) -> Result<Parsed, ParseFault> {
    let fault = ParseFault {
        at: 0,
        expected: "a method, a URI, `SIP/2.0`",
    };
    let (method, rest) = start.split_once(' ').ok_or(fault)?;
    let method = Method::parse(method).ok_or(fault)?;
    let (uri, version) = rest.rsplit_once(' ').ok_or(fault)?;
    if let Some(fault) = broken(&headers) {
        return Err(fault);
    }
    let answer = |status, fault, headers| {
        let uri = Uri::Other(uri.chars().filter(|c| !c.is_control()).collect());
        let request = Request {
            method: method.clone(),
            uri,
            headers,
            body: Vec::new(),
        };
        Ok(Parsed::Answerable(Box::new(request), status, fault))
    };
    if !version.starts_with("SIP/") {
        return answer(400, fault, headers);
    }
    if version != "SIP/2.0" {
        let expected = "version 2.0 of SIP";
        return answer(
            505,
            ParseFault {
                at: start.len() - version.len(),
                expected,
            },
            headers,
        );
    }
    let read = match Uri::parse(uri) {
        Ok(read) => read,
        Err(error) => {
            let at = method.as_str().len() + 1 + error.at;
            return answer(
                400,
                ParseFault {
                    at,
                    expected: error.expected,
                },
                headers,
            );
        }
    };
    if let Some(fault) = doubtful(&method, &read, &headers) {
        return answer(400, fault, headers);
    }
    match cut(&headers, body) {
        Ok(body) => {
            let request = Request {
                method,
                uri: read,
                headers,
                body,
            };
            Ok(Parsed::Message(Message::Request(request)))
        }
        Err(fault) => answer(400, fault, headers),
    }
}

/// What makes a message unanswerable: a mandatory field is missing, or the topmost Via cannot be
/// read.
fn broken(headers: &Headers) -> Option<ParseFault> {
    for (name, expected) in &MANDATORY {
        if headers.get(name).is_none_or(str::is_empty) {
            let at = headers.place(name);
            return Some(ParseFault { at, expected });
        }
    }
    if !headers
        .list(&Name::Via)
        .next()
        .is_some_and(Via::is_readable)
    {
        let at = headers.place(&Name::Via);
        let expected = "a Via that can be read";
        return Some(ParseFault { at, expected });
    }
    None
}

/// What makes a request refusable: fields that contradict each other or cannot be read.
fn doubtful(method: &Method, uri: &Uri, headers: &Headers) -> Option<ParseFault> {
    let fault = |name: &Name, expected| {
        let at = headers.place(name);
        Some(ParseFault { at, expected })
    };
    // RFC 3261 §19.1.1, table 1: not in a Request-URI.
    if uri.sip().is_some_and(|uri| uri.headers.is_some()) {
        let at = method.as_str().len() + 1;
        let expected = "a Request-URI without header fields";
        return Some(ParseFault { at, expected });
    }
    let Some(CSeq { method: named, .. }) = headers.cseq() else {
        return fault(&Name::CSeq, "a CSeq that can be read");
    };
    if named != *method {
        return fault(&Name::CSeq, "the method of the start line in CSeq");
    }
    for (name, expected) in &MANDATORY[1..] {
        if headers.all(name).count() > 1 {
            return fault(name, expected);
        }
    }
    let vias = headers.all(&Name::Via);
    if vias
        .flat_map(|field| split_outside_quotes(field, ','))
        .any(|via| !Via::is_readable(via))
    {
        return fault(&Name::Via, "Vias that can be read");
    }
    let readable = |name| {
        headers
            .get(name)
            .is_some_and(|text| NameAddr::check(text).is_ok())
    };
    if !readable(&Name::From) {
        return fault(&Name::From, "a From that can be read");
    }
    if !readable(&Name::To) {
        return fault(&Name::To, "a To that can be read");
    }
    for (name, expected) in &ADDRESSES {
        let mut all = headers.list(name);
        if all.any(|text| text != "*" && NameAddr::check(text).is_err()) {
            return fault(name, expected);
        }
    }
    None
}

/// The body as Content-Length has it (RFC 3261 §18.3): what is beyond is dropped, what is missing
/// is a fault; without the field it is the rest of the datagram.
fn cut(headers: &Headers, body: &[u8]) -> Result<Vec<u8>, ParseFault> {
    let at = headers.place(&Name::ContentLength);
    let fault = |expected| ParseFault { at, expected };
    let mut lengths = headers.all(&Name::ContentLength);
    let Some(length) = lengths.next() else {
        return Ok(body.to_vec());
    };
    if lengths.next().is_some() {
        return Err(fault("one Content-Length"));
    }
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fault("a number in Content-Length"));
    }
    match length.parse::<usize>() {
        Ok(length) if length <= body.len() => Ok(body[..length].to_vec()),
        Ok(_) | Err(_) => Err(fault("as many bytes of body as Content-Length says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:b@b SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        f: <sip:a@a>;tag=1\r\nt: <sip:b@b>\r\ni: 1@a\r\nCSeq: 1 INVITE\r\n";

    fn message(text: &str) -> Message {
        match parse(text.as_bytes(), &Limits::default()).unwrap() {
            Parsed::Message(message) => message,
            Parsed::Answerable(_, status, fault) => panic!("{status}: {fault}"),
        }
    }

    fn status(text: &str) -> u16 {
        match parse(text.as_bytes(), &Limits::default()).unwrap() {
            Parsed::Message(message) => panic!("{message:?}"),
            Parsed::Answerable(_, status, _) => status,
        }
    }

    #[test]
    fn compact_names_folds_and_lone_line_feeds_are_read() {
        let text = INVITE.replace("t: <sip:b@b>", "t: \"B\r\n  ob\"\r\n <sip:b@b>");
        let folded = message(&format!("{text}l: 2\r\n\r\nhi"));
        assert_eq!(
            folded.headers().to().unwrap().display.as_deref(),
            Some("B ob")
        );
        let bare = message(&format!("{INVITE}\r\nhi").replace("\r\n", "\n"));
        assert!(matches!(bare, Message::Request(Request { body, .. }) if body == b"hi"));
    }

    #[test]
    fn body_is_what_content_length_says() {
        let longer = message(&format!("{INVITE}l: 1\r\n\r\nhi"));
        assert!(matches!(longer, Message::Request(Request { body, .. }) if body == b"h"));
        assert_eq!(status(&format!("{INVITE}l: 9\r\n\r\nhi")), 400);
        assert_eq!(status(&format!("{INVITE}l: -1\r\n\r\nhi")), 400);
        assert_eq!(status(&format!("{INVITE}l: 1\r\nl: 2\r\n\r\nhi")), 400);
    }

    #[test]
    fn what_contradicts_itself_is_answered() {
        assert_eq!(
            status(&format!("{}\r\n", INVITE.replace("1 INVITE", "1 BYE"))),
            400
        );
        assert_eq!(
            status(&format!(
                "{}\r\n",
                INVITE.replace("SIP/2.0\r\nv", "SIP/7.0\r\nv")
            )),
            505
        );
        assert_eq!(status(&format!("{INVITE}t: <sip:c@c>\r\n\r\n")), 400);
        for field in [
            "v: SIP/2.0/UDP b;;,;,,",
            "Record-Route: <sip:x",
            "m: x, <sip:a@a>",
        ] {
            assert_eq!(status(&format!("{INVITE}{field}\r\n\r\n")), 400, "{field}");
        }
        let text = format!(
            "{}\r\n",
            INVITE.replace("sip:b@b SIP", "sip:b@b?Route=x SIP")
        );
        assert_eq!(status(&text), 400);
    }

    #[test]
    fn fault_says_where() {
        let text = format!("{}\r\n", INVITE.replace("1 INVITE", "x INVITE"));
        let Ok(Parsed::Answerable(_, _, fault)) = parse(text.as_bytes(), &Limits::default()) else {
            panic!("not refused");
        };
        assert_eq!(fault.at, text.find("x INVITE").unwrap());
    }

    #[test]
    fn line_ends_before_a_message_are_passed_over() {
        assert!(matches!(
            message(&format!("\r\n\r\n{INVITE}\r\n")),
            Message::Request(_)
        ));
    }

    #[test]
    fn response_whose_cseq_cannot_be_read_is_refused() {
        let text = INVITE.replace("INVITE sip:b@b SIP/2.0", "SIP/2.0 200 OK");
        assert!(matches!(
            message(&format!("{text}\r\n")),
            Message::Response(_)
        ));
        let text = text.replace("1 INVITE", "9292394834772304023312 INVITE");
        assert!(parse(format!("{text}\r\n").as_bytes(), &Limits::default()).is_err());
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        for text in [
            "",
            "\r\n\r\n",
            "INVITE\r\n\r\n",
            "INVITE sip:b SIP/2.0\r\n\r\n",
            "SIP/2.0 99 x\r\n",
        ] {
            assert!(
                parse(text.as_bytes(), &Limits::default()).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn limits_hold() {
        let limits = Limits {
            message_bytes_max: 4000,
            headers_max: 10,
            header_bytes_max: 100,
        };
        let many = format!("{INVITE}{}\r\n", "a: 1\r\n".repeat(9));
        let long = format!("{INVITE}a: {}\r\n\r\n", "x".repeat(99));
        let large = format!("{INVITE}\r\n{}", "x".repeat(4000));
        for text in [many, long, large] {
            assert!(parse(text.as_bytes(), &limits).is_err());
        }
    }
}
