//! Messages in a stream (RFC 3261 §18.3), and the CRLFs of keep-alive between them (RFC 5626
//! §3.5.1).

use super::text::ParseFault;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The bytes of one message.
    Message(Vec<u8>),
    /// CRLF CRLF: the peer wants a CRLF back.
    Ping,
    /// CRLF: the answer to our ping.
    Pong,
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    next: Next,
    bytes_max: usize,
}

/// What the framer waits for. Neither is looked for twice, however slowly the bytes drip in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The end of the head; it does not lie before this place.
    Head(usize),
    /// So many bytes, which are one message.
    Whole(usize),
}

impl Framer {
    /// A framer for messages of up to this many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            next: Next::Head(0),
            bytes_max,
        }
    }

    /// Takes bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next frame; `None` until more bytes come.
    ///
    /// # Errors
    /// [`ParseFault`] where the stream cannot be cut any more: it has to be closed.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ParseFault> {
        if self.buffer.starts_with(b"\r\n") {
            if self.buffer.starts_with(b"\r\n\r\n") {
                self.take(4);
                return Ok(Some(Frame::Ping));
            }
            if self.buffer == b"\r\n\r" {
                return Ok(None); // The end of a ping is under way, or the beginning of anything.
            }
            self.take(2);
            return Ok(Some(Frame::Pong));
        }
        let whole = match self.next {
            Next::Whole(whole) => whole,
            Next::Head(searched) => match self.head(searched)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
        };
        if self.buffer.len() < whole {
            self.next = Next::Whole(whole);
            return Ok(None);
        }
        Ok(Some(Frame::Message(self.take(whole))))
    }

    /// Looks for the end of the head, and says how long the message is.
    fn head(&mut self, searched: usize) -> Result<Option<usize>, ParseFault> {
        let fault = |at, expected| ParseFault { at, expected };
        let Some(end) = find(&self.buffer[searched..], b"\r\n\r\n").map(|at| searched + at) else {
            if self.buffer.len() > self.bytes_max {
                return Err(fault(self.bytes_max, "the end of the header"));
            }
            self.next = Next::Head(self.buffer.len().saturating_sub(3));
            return Ok(None);
        };
        let length = content_length(&self.buffer[..end])?;
        match (end + 4)
            .checked_add(length)
            .filter(|whole| *whole <= self.bytes_max)
        {
            Some(whole) => Ok(Some(whole)),
            None => Err(fault(end, "a smaller Content-Length")),
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.next = Next::Head(0);
        let rest = self.buffer.split_off(count);
        std::mem::replace(&mut self.buffer, rest)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// RFC 3261 §18.3: over a stream the field must be there; a peer that leaves it out where there is
/// no body is understood.
fn content_length(head: &[u8]) -> Result<usize, ParseFault> {
    let mut found = None;
    let text = String::from_utf8_lossy(head);
    let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    for line in unfolded.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let name = name.trim();
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("l") {
            continue;
        }
        let fault = ParseFault {
            at: head.len(),
            expected: "one number in Content-Length",
        };
        let value = value.trim();
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        let value: usize = value.parse().ok().filter(|_| digits).ok_or(fault)?;
        if found.replace(value).is_some_and(|before| before != value) {
            return Err(fault);
        }
    }
    Ok(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame().unwrap()).collect()
    }

    #[test]
    fn messages_are_cut_wherever_the_bytes_break() {
        let text =
            b"A b SIP/2.0\r\nContent-Length :\r\n 5\r\n\r\nhello\r\n\r\nB c SIP/2.0\r\nl:0\r\n\r\n";
        for split in 0..text.len() {
            let mut framer = Framer::new(1000);
            framer.push(&text[..split]);
            let mut frames = all(&mut framer);
            framer.push(&text[split..]);
            frames.extend(all(&mut framer));
            let messages: Vec<_> = frames
                .iter()
                .filter(|frame| matches!(frame, Frame::Message(_)))
                .collect();
            assert_eq!(messages.len(), 2, "split at {split}: {frames:?}");
            assert_eq!(framer.waiting(), 0);
        }
    }

    #[test]
    fn ping_and_pong_are_told_apart() {
        let mut framer = Framer::new(1000);
        framer.push(b"\r\n\r\n");
        assert_eq!(all(&mut framer), [Frame::Ping]);
        framer.push(b"\r\n");
        assert_eq!(all(&mut framer), [Frame::Pong]);
    }

    // What is neither ping nor message has an end, too: it must not wait, and grow, for ever.
    #[test]
    fn stray_carriage_return_behind_a_pong_does_not_stop_the_stream() {
        let mut framer = Framer::new(100);
        framer.push(b"\r\n\rx\r\n\r\n");
        let stray = Frame::Message(b"\rx\r\n\r\n".to_vec());
        assert_eq!(all(&mut framer), [Frame::Pong, stray]);
        framer.push(b"\r\n\r");
        framer.push(&[b'x'; 101]);
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Pong)));
        assert!(framer.next_frame().is_err());
    }

    #[test]
    fn endless_header_and_huge_body_close_the_stream() {
        let mut framer = Framer::new(100);
        framer.push(&[b'x'; 101]);
        assert!(framer.next_frame().is_err());
        let mut framer = Framer::new(100);
        framer.push(b"A b SIP/2.0\r\nl: 4294967296\r\n\r\n");
        assert!(framer.next_frame().is_err());
        for lengths in [
            "l: 1\r\nl: 2",
            "l: +1",
            "l: -1",
            "l: x",
            "l:",
            "l: 18446744073709551615",
        ] {
            let mut framer = Framer::new(100);
            framer.push(format!("A b SIP/2.0\r\n{lengths}\r\n\r\n").as_bytes());
            assert!(framer.next_frame().is_err(), "{lengths}");
        }
    }

    #[test]
    fn message_that_drips_in_is_searched_once() {
        let mut framer = Framer::new(70_000);
        let head = format!(
            "A b SIP/2.0\r\nx: {}\r\nl: 30000\r\n\r\n",
            "y".repeat(30_000)
        );
        for byte in head.bytes().chain(std::iter::repeat_n(b'z', 29_999)) {
            framer.push(&[byte]);
            assert_eq!(framer.next_frame(), Ok(None));
        }
        framer.push(b"z");
        let Ok(Some(Frame::Message(message))) = framer.next_frame() else {
            panic!("no message");
        };
        assert_eq!((message.len(), framer.waiting()), (head.len() + 30_000, 0));
    }
}
