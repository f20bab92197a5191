//! [`Ssrc`] (RFC 5576 §4.1) and [`Msid`] (RFC 8830 §2): which stream and track a source is.

use super::Media;
use super::text::number;

/// One `a=ssrc` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssrc<'a> {
    /// The source.
    pub id: u32,
    /// `cname`, `msid`, …
    pub name: &'a str,
    /// Its value, where it has one.
    pub value: Option<&'a str>,
}

/// One `a=msid` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msid<'a> {
    /// The stream; `-` for none.
    pub stream: &'a str,
    /// The track, where one is written.
    pub track: Option<&'a str>,
}

impl<'a> Media<'a> {
    /// The source attributes, in order.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc<'a>> + use<'a> {
        self.lines().filter_map(|line| {
            let (id, attribute) = line.value_of("ssrc")?.split_once(' ')?;
            let (name, value) = match attribute.split_once(':') {
                Some((name, value)) => (name, Some(value)),
                None => (attribute, None),
            };
            Some(Ssrc {
                id: number(id)?,
                name,
                value,
            })
        })
    }

    /// The streams the section's track belongs to.
    pub fn msids(&self) -> impl Iterator<Item = Msid<'a>> + use<'a> {
        self.lines().filter_map(|line| {
            let mut fields = line.value_of("msid")?.split_ascii_whitespace();
            Some(Msid {
                stream: fields.next()?,
                track: fields.next(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::capture;

    #[test]
    fn sources_and_streams_of_a_browser_are_read() {
        let offer = capture("chrome-audio-offer-gathered");
        let media = offer.media_at(0).unwrap();
        let ssrcs: Vec<_> = media.ssrcs().collect();
        assert_eq!((ssrcs[0].id, ssrcs[0].name), (953_657_477, "cname"));
        assert_eq!(ssrcs[1].name, "msid");
        let msid = media.msids().next().unwrap();
        assert_eq!(msid.track, Some("85878b66-81c1-402d-9a51-13252a3f8f4b"));
    }
}
