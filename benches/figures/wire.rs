//! WebSocket frames (RFC 6455 §5.2), as few of them as the figures need, and the lean messages that
//! the floor relays.
//!
//! Text frames of up to 64 KiB, whole. The client's mask is zero, so masking costs nothing here;
//! the server takes it off all the same.

/// A frame of text from a server: no mask.
pub(crate) fn text(payload: &[u8], out: &mut Vec<u8>) {
    head(0, payload.len(), out);
    out.extend_from_slice(payload);
}

/// A frame of text from a client: with a mask, of zeros.
pub(crate) fn masked_text(payload: &[u8], out: &mut Vec<u8>) {
    head(0x80, payload.len(), out);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

fn head(mask: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x81);
    match u16::try_from(length) {
        Ok(short @ 0..=125) => out.push(mask | short as u8),
        Ok(long) => {
            out.push(mask | 126);
            out.extend_from_slice(&long.to_be_bytes());
        }
        Err(_) => panic!("a frame of {length} bytes is more than the figures need"),
    }
}

/// Takes the first whole frame off, unmasked in place: what kind it is, where its payload lies, and
/// where the next one begins. `None` while it is not whole.
pub(crate) fn frame(bytes: &mut [u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (kind, second) = (*bytes.first()? & 0x0f, *bytes.get(1)?);
    let (length, mut at) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
            4,
        ),
        127 => {
            let long: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
            (usize::try_from(u64::from_be_bytes(long)).ok()?, 10)
        }
        short => (usize::from(short), 2),
    };
    let mask: Option<[u8; 4]> = match second & 0x80 {
        0 => None,
        _ => Some(bytes.get(at..at + 4)?.try_into().ok()?),
    };
    if mask.is_some() {
        at += 4;
    }
    let payload = bytes.get_mut(at..at + length)?;
    if let Some(mask) = mask {
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
    }
    Some((kind, at..at + length))
}

/// Bytes of each message of a call, as the gateway makes them: the floor sends the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Frames to the client.
    pub(crate) result: usize,
    pub(crate) ringing: usize,
    pub(crate) accepted: usize,
    pub(crate) media: usize,
    pub(crate) ended: usize,
    /// Datagrams to the phone.
    pub(crate) invite: usize,
    pub(crate) ack: usize,
    pub(crate) bye: usize,
    pub(crate) ok: usize,
}

impl Sizes {
    /// As arguments of a command line.
    pub(crate) fn to_args(self) -> Vec<String> {
        [
            self.result,
            self.ringing,
            self.accepted,
            self.media,
            self.ended,
            self.invite,
            self.ack,
            self.bye,
            self.ok,
        ]
        .iter()
        .map(usize::to_string)
        .collect()
    }

    /// From the arguments of a command line; what is missing is 0.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Self {
        let mut next = || args.next().and_then(|arg| arg.parse().ok()).unwrap_or(0);
        Self {
            result: next(),
            ringing: next(),
            accepted: next(),
            media: next(),
            ended: next(),
            invite: next(),
            ack: next(),
            bye: next(),
            ok: next(),
        }
    }
}

/// Bytes of what stands before the padding of a lean message.
pub(crate) const LEAN: usize = 16;

/// A message for the floor: a letter, the connection, the call, and padding up to `size`.
pub(crate) fn lean(kind: u8, connection: u32, call: u64, size: usize, out: &mut Vec<u8>) {
    use std::io::Write as _;
    out.push(kind);
    // Writing to memory cannot fail.
    let _ = write!(out, "{connection:05}{call:010}");
    out.resize(size.max(LEAN), b'.');
}

/// What a lean message says.
pub(crate) fn read_lean(bytes: &[u8]) -> Option<(u8, u32, u64)> {
    let number = |range| std::str::from_utf8(bytes.get(range)?).ok()?.parse().ok();
    let connection: u64 = number(1..6)?;
    Some((
        *bytes.first()?,
        u32::try_from(connection).ok()?,
        number(6..LEAN)?,
    ))
}
