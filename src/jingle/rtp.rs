//! [`Description`]: audio or video by RTP (XEP-0167), with its payload types.
//!
//! | element | of |
//! |---|---|
//! | `<payload-type/>`, `<parameter/>`, `<bandwidth/>`, `<rtcp-mux/>`, `<encryption/>` | XEP-0167 |
//! | `<rtcp-fb/>`, `<rtcp-fb-trr-int/>` | XEP-0293, [`Feedback`] |
//! | `<rtp-hdrext/>`, `<extmap-allow-mixed/>` | XEP-0294, [`HeaderExtension`] |
//! | `<source/>`, `<ssrc-group/>` | XEP-0339, [`Source`] |
//! | `<category/>` | XEP-0507 |
//! | `<rtcp-reduced-size/>`, `<stream/>` | the client library `stanza` |

use minidom::Element;

use super::feedback::Feedback;
use super::hdrext::HeaderExtension;
use super::ns;
use super::parameter::Parameter;
use super::source::{Source, SourceGroup};
use super::tag::{Tag, number, said};

/// `<description/>` of RTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// `audio` or `video`; clients know no other.
    pub media: String,
    /// In order of preference.
    pub payload_types: Vec<PayloadType>,
    /// For all payload types.
    pub feedback: Vec<Feedback>,
    /// Header extensions.
    pub extensions: Vec<HeaderExtension>,
    /// Whether one-byte and two-byte headers may be mixed.
    pub extmap_allow_mixed: bool,
    /// Sources, in order.
    pub sources: Vec<Source>,
    /// How sources belong together.
    pub source_groups: Vec<SourceGroup>,
    /// Stream and track, as `stanza` writes them. Only ever read; sources say the same.
    pub streams: Vec<(String, String)>,
    /// Whether RTP and RTCP share the port.
    pub rtcp_mux: bool,
    /// Whether RTCP may be sent in parts (RFC 5506).
    pub rtcp_reduced_size: bool,
    /// Type and value: kbit/s for `AS`, bit/s for `TIAS`.
    pub bandwidths: Vec<(String, String)>,
    /// Milliseconds in a packet for all payload types, as Movim and Jitsi write it.
    pub ptime: Option<u32>,
    /// At most so many, for all payload types.
    pub maxptime: Option<u32>,
    /// What it shows: `slides`, `speaker`, …
    pub category: Option<String>,
    /// Whether keys of SDES are offered beside DTLS. Never their text.
    pub encryption: bool,
}

/// `<payload-type/>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadType {
    /// 0 to 127.
    pub id: u8,
    /// The name of the encoding; may be missing for static ones.
    pub name: Option<String>,
    /// Hertz; may be missing for static ones.
    pub clock_rate: Option<u32>,
    /// 1 where nothing is said.
    pub channels: u8,
    /// Milliseconds in a packet.
    pub ptime: Option<u32>,
    /// At most so many.
    pub maxptime: Option<u32>,
    /// Parameters of the format.
    pub parameters: Vec<Parameter>,
    /// Feedback messages.
    pub feedback: Vec<Feedback>,
}

impl Description {
    /// Reads `<description/>`. What is not known is ignored.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        let mut it = Self {
            media: said(element, "media").unwrap_or_default(),
            ptime: number(element, "ptime"),
            maxptime: number(element, "maxptime"),
            ..Self::default()
        };
        for child in element.children() {
            match (child.name(), child.ns().as_str()) {
                ("payload-type", ns::RTP) => it.payload_types.extend(PayloadType::read(child)),
                ("rtcp-fb" | "rtcp-fb-trr-int", ns::RTCP_FB) => {
                    it.feedback.extend(Feedback::read(child));
                }
                ("rtp-hdrext", ns::HDREXT) => it.extensions.extend(HeaderExtension::read(child)),
                ("extmap-allow-mixed", ns::HDREXT) => it.extmap_allow_mixed = true,
                ("source", ns::SSMA) => it.sources.extend(Source::read(child)),
                ("ssrc-group", ns::SSMA) => it.source_groups.extend(SourceGroup::read(child)),
                ("stream", ns::MSID) => it.streams.extend(stream(child)),
                ("rtcp-mux", ns::RTP) => it.rtcp_mux = true,
                ("rtcp-reduced-size", _) => it.rtcp_reduced_size = true,
                ("bandwidth", ns::RTP) => it.bandwidths.extend(bandwidth(child)),
                ("category", ns::CATEGORY) => it.category = said(child, "name"),
                ("encryption", ns::RTP) => it.encryption = true,
                // Jitsi's `<rid-group/>`, what extensions add.
                _ => {}
            }
        }
        it
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let bandwidth = |(kind, value): &(String, String)| {
            Tag::new("bandwidth", ns::RTP)
                .attr("type", kind)
                .text(value)
                .build()
        };
        let mut tag = Tag::new("description", ns::RTP)
            .attr_if("maxptime", number(self.maxptime).as_deref())
            .attr("media", &self.media)
            .attr_if("ptime", number(self.ptime).as_deref())
            .children(self.payload_types.iter().map(PayloadType::write))
            .children(self.bandwidths.iter().map(bandwidth))
            .flag(self.rtcp_mux, "rtcp-mux", ns::RTP)
            .flag(self.rtcp_reduced_size, "rtcp-reduced-size", ns::RTP)
            .children(self.feedback.iter().map(Feedback::write))
            .children(self.extensions.iter().map(HeaderExtension::write))
            .flag(self.extmap_allow_mixed, "extmap-allow-mixed", ns::HDREXT)
            .children(self.source_groups.iter().map(SourceGroup::write))
            .children(self.sources.iter().map(Source::write));
        if let Some(category) = &self.category {
            tag = tag.child(
                Tag::new("category", ns::CATEGORY)
                    .attr("name", category)
                    .build(),
            );
        }
        tag.build()
    }
}

/// Movim writes the value as an attribute, the XEP has it as text.
fn bandwidth(element: &Element) -> Option<(String, String)> {
    let text = element.text().trim().to_owned();
    let value = Some(text).filter(|text| !text.is_empty());
    Some((
        said(element, "type")?,
        value.or_else(|| said(element, "value"))?,
    ))
}

fn stream(element: &Element) -> Option<(String, String)> {
    let track = said(element, "track").unwrap_or_default();
    Some((said(element, "id")?, track))
}

impl PayloadType {
    /// Reads `<payload-type/>`; `None` without a number up to 127.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let feedback = element.children().filter(|child| child.ns() == ns::RTCP_FB);
        Some(Self {
            id: number(element, "id").filter(|id| *id < 128)?,
            name: said(element, "name"),
            clock_rate: number(element, "clockrate").filter(|rate| *rate > 0),
            channels: number(element, "channels").unwrap_or(1).max(1),
            ptime: number(element, "ptime"),
            maxptime: number(element, "maxptime"),
            parameters: Parameter::read_all(element),
            feedback: feedback.filter_map(Feedback::read).collect(),
        })
    }

    /// As an element. One channel is not written (XEP-0167 §4: the default).
    #[must_use]
    pub fn write(&self) -> Element {
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let channels = Some(self.channels).filter(|channels| *channels > 1);
        Tag::new("payload-type", ns::RTP)
            .attr_if("channels", channels.map(|c| c.to_string()).as_deref())
            .attr_if("clockrate", number(self.clock_rate).as_deref())
            .attr("id", &self.id.to_string())
            .attr_if("maxptime", number(self.maxptime).as_deref())
            .attr_if("name", self.name.as_deref())
            .attr_if("ptime", number(self.ptime).as_deref())
            .children(self.parameters.iter().map(|one| one.write(ns::RTP)))
            .children(self.feedback.iter().map(Feedback::write))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &str) -> Description {
        let text = format!(
            "<description xmlns='{}' media='audio' {inside}</description>",
            ns::RTP
        );
        Description::read(&text.parse().unwrap())
    }

    #[test]
    fn bandwidth_of_movim_is_an_attribute() {
        let both = read(
            "><bandwidth type='AS'> 64 </bandwidth><bandwidth type='TIAS' value='96000'/>\
             <bandwidth type='CT'/>",
        );
        let expected = [("AS", "64"), ("TIAS", "96000")];
        assert_eq!(
            both.bandwidths,
            expected.map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }

    #[test]
    fn packet_times_of_movim_and_jitsi_are_of_the_description() {
        let description = read("ptime='20' maxptime='60'>");
        assert_eq!(
            (description.ptime, description.maxptime),
            (Some(20), Some(60))
        );
    }

    #[test]
    fn prefixed_children_of_stanza_are_read() {
        let description = read(
            "xmlns:f='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' \
             xmlns:h='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'><rtcp-mux/><rtcp-reduced-size/>\
             <payload-type id='96' name='VP8' clockrate='90000' channels='1'>\
             <f:rtcp-fb type='nack' subtype='pli'/></payload-type><f:rtcp-fb type='nack'/>\
             <f:rtcp-fb-trr-int value='7'/><h:rtp-hdrext id='1' uri='urn:x'/>\
             <stream xmlns='urn:xmpp:jingle:apps:rtp:msid:0' id='s' track='t'/>",
        );
        assert!(description.rtcp_mux && description.rtcp_reduced_size);
        assert_eq!(description.payload_types[0].feedback.len(), 1);
        assert_eq!(description.feedback.len(), 2);
        assert_eq!(description.extensions.len(), 1);
        assert_eq!(description.streams, [("s".to_owned(), "t".to_owned())]);
    }

    #[test]
    fn payload_types_are_numbers_below_128() {
        let description = read(
            "><payload-type id='128' name='x'/><payload-type id='-1'/><payload-type/>\
             <payload-type id='127' clockrate='0' channels='0'/>",
        );
        assert_eq!(description.payload_types.len(), 1);
        let one = &description.payload_types[0];
        assert_eq!((one.id, one.clock_rate, one.channels), (127, None, 1));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut description = read(
            "ptime='20'><payload-type id='111' name='opus' clockrate='48000' channels='2' \
             ptime='20' maxptime='60'><parameter name='useinbandfec' value='1'/></payload-type>\
             <bandwidth type='AS'>64</bandwidth><rtcp-mux/><encryption/>\
             <category xmlns='urn:xmpp:jingle:apps:category:0' name='slides'/>",
        );
        assert!(description.encryption);
        description.encryption = false;
        assert_eq!(Description::read(&description.write()), description);
    }
}
