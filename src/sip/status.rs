//! Cause ⇄ status code ⇄ Reason: one table (RFC 3261 §21, RFC 3326).

use super::header::Reason;
use super::message::Headers;
use super::name::Name;
use crate::call::cause::Cause;
use crate::call::signal::Ending;

/// One row: the cause, the status it is told as, its reason phrase, and the statuses that are heard
/// as it.
struct Row(Cause, u16, &'static str, &'static [u16]);

const TABLE: &[Row] = &[
    Row(Cause::Busy, 486, "Busy Here", &[486, 600]),
    Row(Cause::Declined, 603, "Decline", &[603, 607, 608]),
    Row(Cause::NoAnswer, 408, "Request Timeout", &[408]),
    Row(
        Cause::NotFound,
        404,
        "Not Found",
        &[404, 410, 484, 485, 604],
    ),
    Row(
        Cause::Unavailable,
        480,
        "Temporarily Unavailable",
        &[430, 480],
    ),
    Row(
        Cause::Unreachable,
        502,
        "Bad Gateway",
        &[482, 483, 502, 504],
    ),
    Row(Cause::NoCommonCodec, 488, "Not Acceptable Here", &[]),
    Row(
        Cause::NotAcceptable,
        488,
        "Not Acceptable Here",
        &[406, 413, 415, 488, 493, 513, 606],
    ),
    Row(
        Cause::Forbidden,
        403,
        "Forbidden",
        &[401, 403, 407, 433, 436, 437, 438],
    ),
    Row(Cause::Overloaded, 503, "Service Unavailable", &[503]),
    Row(Cause::Draining, 503, "Service Unavailable", &[]),
    Row(Cause::Cancelled, 487, "Request Terminated", &[487]),
    Row(Cause::AnsweredElsewhere, 487, "Request Terminated", &[]),
    Row(
        Cause::Moved,
        480,
        "Temporarily Unavailable",
        &[300, 301, 302, 305, 380],
    ),
    Row(
        Cause::Misbehaved,
        400,
        "Bad Request",
        &[400, 402, 405, 414, 416, 417, 420, 421, 481, 489],
    ),
    Row(Cause::Timeout, 480, "Temporarily Unavailable", &[]),
    Row(Cause::Normal, 480, "Temporarily Unavailable", &[]),
    Row(
        Cause::Internal,
        500,
        "Server Internal Error",
        &[500, 501, 505],
    ),
];

/// The status and the reason phrase that refuse an INVITE for this cause.
#[must_use]
pub fn status(cause: Cause) -> (u16, &'static str) {
    let row = TABLE.iter().find(|Row(of, ..)| *of == cause);
    row.map_or(
        (500, "Server Internal Error"),
        |Row(_, status, phrase, _)| (*status, phrase),
    )
}

/// The cause behind a final status; one that is not in the table by its class (RFC 3261 §8.1.3.2).
#[must_use]
pub fn cause(status: u16) -> Cause {
    let row = TABLE.iter().find(|Row(.., heard)| heard.contains(&status));
    match (row, status) {
        (Some(Row(cause, ..)), _) => *cause,
        (None, 300..400) => Cause::Moved,
        (None, 600..) => Cause::Declined,
        (None, 500..600) => Cause::Internal,
        (None, _) => Cause::Misbehaved,
    }
}

/// The value of a Reason header that tells the cause of a CANCEL or BYE (RFC 3326).
#[must_use]
pub fn reason(cause: Cause, text: Option<&str>) -> Option<String> {
    let (status, phrase) = match cause {
        // RFC 3326 §2: the call was answered on another branch.
        Cause::AnsweredElsewhere => (200, "Call completed elsewhere"),
        Cause::Normal | Cause::Cancelled => return None,
        other => self::status(other),
    };
    let text: String = text
        .unwrap_or(phrase)
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    Some(format!(
        "SIP;cause={status};text={}",
        super::uri::quoted(&text)
    ))
}

/// The end that a BYE or CANCEL of the peer makes: the cause that it names, and the status that it
/// repeats (RFC 3326 §2).
#[must_use]
pub fn ending_named(headers: &Headers, otherwise: Cause) -> Ending {
    let mut reasons = headers.list(&Name::Reason).filter_map(Reason::parse);
    let status = reasons.find_map(|reason| match (reason.protocol.as_str(), reason.cause) {
        ("SIP", Some(status @ 300..700)) => Some((status, reason.text.unwrap_or_default())),
        _ => None,
    });
    Ending {
        status,
        ..Ending::by_peer(cause_named(headers, otherwise))
    }
}

/// The cause that a BYE or CANCEL names, if it does; `otherwise` where it does not.
#[must_use]
fn cause_named(headers: &Headers, otherwise: Cause) -> Cause {
    for value in headers.list(&Name::Reason) {
        match Reason::parse(value) {
            Some(Reason {
                protocol,
                cause: Some(200),
                ..
            }) if protocol == "SIP" && otherwise == Cause::Cancelled => {
                return Cause::AnsweredElsewhere;
            }
            Some(Reason {
                protocol,
                cause: Some(status),
                ..
            }) if protocol == "SIP" && status >= 300 => {
                return cause(status);
            }
            Some(Reason {
                protocol,
                cause: Some(cause),
                ..
            }) if protocol == "Q.850" => {
                // ITU-T Q.850: the few that say more than the method does.
                match cause {
                    17 => return Cause::Busy,
                    18 | 19 => return Cause::NoAnswer,
                    21 => return Cause::Declined,
                    26 => return Cause::AnsweredElsewhere,
                    _ => {}
                }
            }
            Some(_) | None => {}
        }
    }
    otherwise
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Causes that no status says: they are told as another's, and come back as that.
    const ONE_WAY: [(Cause, Cause); 7] = [
        (Cause::NoCommonCodec, Cause::NotAcceptable),
        (Cause::Draining, Cause::Overloaded),
        (Cause::AnsweredElsewhere, Cause::Cancelled),
        (Cause::Moved, Cause::Unavailable),
        (Cause::Timeout, Cause::Unavailable),
        (Cause::Normal, Cause::Unavailable),
        (Cause::Internal, Cause::Internal),
    ];

    #[test]
    fn every_cause_has_a_status_and_comes_back_or_is_named() {
        for of in Cause::ALL {
            let back = cause(status(of).0);
            let expected = ONE_WAY
                .iter()
                .find(|(one, _)| *one == of)
                .map_or(of, |(_, to)| *to);
            assert_eq!(back, expected, "{of} is told as {}", status(of).0);
        }
    }

    #[test]
    fn every_status_has_a_cause() {
        for status in 300..700 {
            let _ = cause(status);
        }
        assert_eq!((cause(399), cause(499), cause(599), cause(699)), {
            (
                Cause::Moved,
                Cause::Misbehaved,
                Cause::Internal,
                Cause::Declined,
            )
        });
    }

    #[test]
    fn status_of_a_reason_is_repeated_and_200_is_none() {
        for (value, status, cause) in [
            (
                "SIP;cause=486;text=\"Busy here\"",
                Some((486, "Busy here".to_owned())),
                Cause::Busy,
            ),
            ("SIP;cause=200", None, Cause::AnsweredElsewhere),
            ("Q.850;cause=17", None, Cause::Busy),
        ] {
            let mut headers = Headers::default();
            let text = super::super::message::HeaderText::composed(value);
            headers.push(Name::Reason, text);
            let ending = ending_named(&headers, Cause::Cancelled);
            assert_eq!((ending.status, ending.cause), (status, cause), "{value}");
        }
    }

    #[test]
    fn answered_elsewhere_is_told_and_heard() {
        let mut headers = Headers::default();
        let value = reason(Cause::AnsweredElsewhere, None).unwrap();
        headers.push(
            Name::Reason,
            super::super::message::HeaderText::composed(value),
        );
        assert_eq!(
            cause_named(&headers, Cause::Cancelled),
            Cause::AnsweredElsewhere
        );
    }
}
