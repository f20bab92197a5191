//! [`Rid`] (RFC 8851 §4) and [`Simulcast`] (RFC 8853 §5.1).

use super::Media;

/// One `a=rid` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rid<'a> {
    /// The name of the encoding.
    pub id: &'a str,
    /// Which way it goes.
    pub direction: RidDirection,
    /// `pt=…;max-width=…`, verbatim.
    pub restrictions: Option<&'a str>,
}

/// Which way an encoding goes, as its writer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RidDirection {
    /// From the writer.
    Send,
    /// To the writer.
    Receive,
}

/// The `a=simulcast` line: the lists of encodings, verbatim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Simulcast<'a> {
    /// What is sent: `h;m;l`, alternatives with commas, paused ones with a tilde.
    pub send: Option<&'a str>,
    /// What can be received.
    pub receive: Option<&'a str>,
}

impl<'a> Media<'a> {
    /// The encodings of the section.
    pub fn rids(&self) -> impl Iterator<Item = Rid<'a>> + use<'a> {
        self.lines().filter_map(|line| {
            let mut fields = line.value_of("rid")?.trim_ascii().splitn(3, ' ');
            Some(Rid {
                id: fields.next()?,
                direction: match fields.next()? {
                    "send" => RidDirection::Send,
                    "recv" => RidDirection::Receive,
                    _ => return None,
                },
                restrictions: fields.next(),
            })
        })
    }

    /// What is sent and received at several qualities at once.
    #[must_use]
    pub fn simulcast(&self) -> Option<Simulcast<'a>> {
        let mut fields = self.attribute("simulcast")?.split_ascii_whitespace();
        let mut simulcast = Simulcast::default();
        while let (Some(direction), Some(list)) = (fields.next(), fields.next()) {
            match direction {
                "send" => simulcast.send = Some(list),
                "recv" => simulcast.receive = Some(list),
                _ => return None,
            }
        }
        Some(simulcast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::capture;

    #[test]
    fn the_encodings_of_an_offer_are_read() {
        let offer = capture("chrome-simulcast-offer-gathered");
        let media = offer.media().find(|m| m.simulcast().is_some()).unwrap();
        let sent = media.simulcast().and_then(|s| s.send).unwrap();
        let rids: Vec<_> = media.rids().map(|rid| rid.id).collect();
        assert_eq!(sent.split(';').collect::<Vec<_>>(), rids);
        assert!(media.rids().all(|rid| rid.direction == RidDirection::Send));
    }
}
