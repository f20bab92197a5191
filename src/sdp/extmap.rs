//! [`Extmap`]: RTP header extensions (RFC 8285 §5).

use super::text::number;
use super::{Direction, Media, SessionDescription};

/// One `a=extmap` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extmap<'a> {
    /// The local identifier: 1 to 14 with one-byte headers, to 255 with two-byte ones.
    pub id: u16,
    /// The direction, where one is written.
    pub direction: Option<Direction>,
    /// Which extension.
    pub uri: &'a str,
    /// What stands behind, verbatim; empty for nothing.
    pub attributes: &'a str,
}

impl<'a> Extmap<'a> {
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let (id, rest) = value.trim_ascii().split_once([' ', '\t'])?;
        let rest = rest.trim_ascii_start();
        let (uri, attributes) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let (id, direction) = match id.split_once('/') {
            Some((id, direction)) => (id, Some(Direction::from_name(direction)?)),
            None => (id, None),
        };
        Some(Self {
            id: number(id)?,
            direction,
            uri: Some(uri).filter(|uri| !uri.is_empty())?,
            attributes: attributes.trim_ascii_start(),
        })
    }
}

impl<'a> Media<'a> {
    /// The header extensions of the section, else of the session part.
    #[must_use]
    pub fn extmaps(&self) -> Vec<Extmap<'a>> {
        let values = self.effective_all("extmap").into_iter();
        values.filter_map(Extmap::parse).collect()
    }
}

impl SessionDescription {
    /// Removes from an answer the header extensions that its offer did not have: Firefox refuses an
    /// answer with one (RFC 8285 §7). Says how many went.
    pub fn remove_unoffered_extmaps(&mut self, offer: &Self) -> usize {
        let uris = |media: Media<'_>| -> Vec<String> {
            media
                .extmaps()
                .iter()
                .map(|extmap| extmap.uri.to_owned())
                .collect()
        };
        let offered: Vec<Vec<String>> = offer.media().map(uris).collect();
        self.remove_lines(|media, line| {
            let extmap = line.value_of("extmap").and_then(Extmap::parse);
            let (Some(media), Some(extmap)) = (media, extmap) else {
                return false;
            };
            let known = offered.get(media);
            known.is_some_and(|uris| uris.iter().all(|uri| uri != extmap.uri))
        })
    }

    /// Removes header extensions whose identifier another one of the section has already: browsers
    /// refuse the description. Says how many went.
    pub fn remove_repeated_extmaps(&mut self) -> usize {
        let mut taken: Vec<u16> = Vec::new();
        let mut part = None;
        self.remove_lines(|media, line| {
            if part != media {
                part = media;
                taken.clear();
            }
            let Some(extmap) = line.value_of("extmap").and_then(Extmap::parse) else {
                return false;
            };
            let repeated = taken.contains(&extmap.id);
            taken.push(extmap.id);
            repeated
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::audio;

    #[test]
    fn id_direction_and_uri_are_read() {
        let extmap = Extmap::parse("2/recvonly urn:x attributes");
        assert_eq!(
            extmap,
            Some(Extmap {
                id: 2,
                direction: Some(Direction::RecvOnly),
                uri: "urn:x",
                attributes: "attributes"
            })
        );
        assert_eq!(Extmap::parse("2/sideways urn:x"), None);
        assert_eq!(Extmap::parse("x urn:x"), None);
    }

    #[test]
    fn what_was_not_offered_goes() {
        let offer = audio("a=extmap:1 urn:x\n");
        let mut answer = audio("a=extmap:1 urn:x\na=extmap:2 urn:y\n");
        assert_eq!(answer.remove_unoffered_extmaps(&offer), 1);
        assert_eq!(answer, offer);
    }

    #[test]
    fn the_second_of_one_id_goes() {
        let mut one = audio("a=extmap:1 urn:x\na=extmap:1/sendonly urn:y\na=extmap:2 urn:z\n");
        assert_eq!(one.remove_repeated_extmaps(), 1);
        assert_eq!(one, audio("a=extmap:1 urn:x\na=extmap:2 urn:z\n"));
    }
}
