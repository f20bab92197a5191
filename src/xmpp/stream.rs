//! Bytes of an XML stream into stanzas (RFC 6120 §4), with limits.
//!
//! ```text
//!            stream head              head of a child               its end
//!   Prolog ───────────────▶ Between ─────────────────▶ Building ───────────────▶ Between: Stanza
//!                              │                          │ a limit, a rule
//!                              │ stream end               ▼           its end
//!                              ▼                       Skipping ──────────────▶ Between: Skipped
//!                            Ended
//! ```
//!
//! What is over a limit, or breaks a rule that does not cost the place in the stream, is passed
//! over until its end and told as [`Item::Skipped`]. What costs the place (no XML, or more bytes
//! than are worth passing over) is [`Broken`]: the stream has to end.
//!
//! Elements of `jabber:component:accept` come out in `jabber:client`, so that nobody inside needs
//! to know by which kind of stream a stanza came.

use minidom::Element;
use rxml::error::EndOrError;
use rxml::parser::{Options, RawEvent, RawParser, RawQName, WithOptions};
use rxml::{AttrMap, Namespace, NcName, Parse};

use super::ns;
use crate::config::Xmpp;

/// What one stanza may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a stanza.
    pub stanza_bytes_max: usize,
    /// Bytes of a stanza that is passed over.
    pub skipped_bytes_max: usize,
    /// Elements inside of each other.
    pub depth_max: usize,
    /// Elements of a stanza.
    pub elements_max: usize,
    /// Bytes of a name, or of an attribute's value.
    pub attribute_bytes_max: usize,
    /// Attributes of an element.
    pub attributes_max: usize,
}

impl From<&Xmpp> for Limits {
    fn from(xmpp: &Xmpp) -> Self {
        Self {
            stanza_bytes_max: xmpp.stanza_bytes_max,
            skipped_bytes_max: xmpp.skipped_bytes_max,
            depth_max: xmpp.depth_max,
            elements_max: xmpp.elements_max,
            attribute_bytes_max: xmpp.attribute_bytes_max,
            attributes_max: xmpp.attributes_max,
        }
    }
}

/// The head of the peer's stream (RFC 6120 §4.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The stream's id.
    pub id: String,
    /// Who the peer says to be.
    pub from: Option<String>,
    /// The version; without one the peer is of before RFC 3920 and has no features.
    pub version: Option<String>,
}

/// What a stream brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Its head.
    Header(Header),
    /// One child of the stream, whole: a stanza, or something of the stream itself.
    Stanza(Element),
    /// One that was passed over.
    Skipped(Skipped),
    /// Its end.
    End,
}

/// A child of the stream that was passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// Why.
    pub why: Skip,
    /// Its name with `id`, `type`, `from` and `to`, where so much could be read.
    pub head: Option<Element>,
}

/// Why a stanza was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It has too many bytes.
    Bytes,
    /// It is too deep.
    Depth,
    /// It has too many elements.
    Elements,
    /// A name, or the value of an attribute, is too long.
    Attribute,
    /// An element has too many attributes.
    Attributes,
    /// An element has an attribute twice.
    Twice,
    /// A prefix is not declared.
    Prefix,
    /// Text between stanzas.
    Text,
}

/// Why a stream has to end; its text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is no XML any more.
    #[error("the server sent what is not well-formed: {0}")]
    NotWellFormed(String),
    /// XML that is not for streams (RFC 6120 §11.1), or a token without end.
    #[error("the server sent XML that no stream may hold: {0}")]
    Restricted(String),
    /// A stanza of more bytes than are worth passing over.
    #[error("the server sent a stanza of more than `xmpp.skipped_bytes_max` bytes")]
    TooLong,
    /// The first element is no stream.
    #[error("the server does not begin with a stream")]
    NoStream,
    /// Something behind the end.
    #[error("the server sent something behind the end of the stream")]
    BehindTheEnd,
}

impl Broken {
    /// The condition that the peer is told (RFC 6120 §4.9.3).
    #[must_use]
    pub fn condition(&self) -> &'static str {
        match self {
            Self::NotWellFormed(_) => "not-well-formed",
            Self::Restricted(_) => "restricted-xml",
            Self::TooLong => "policy-violation",
            Self::NoStream => "invalid-namespace",
            Self::BehindTheEnd => "bad-format",
        }
    }
}

/// Namespaces that an element declares, by prefix.
type Scope = Vec<(Option<NcName>, String)>;

/// The head of an element that is being read.
#[derive(Debug)]
struct Opening {
    name: RawQName,
    declared: Scope,
    attributes: Vec<(RawQName, String)>,
}

#[derive(Debug)]
struct Building {
    open: Vec<Element>,
    scopes: Vec<Scope>,
    elements: usize,
}

#[derive(Debug)]
enum State {
    Prolog,
    Between,
    Building(Building),
    Skipping(Skipped),
    Ended,
}

/// Reads one stream.
#[derive(Debug)]
pub struct Reader {
    parser: RawParser,
    limits: Limits,
    state: State,
    opening: Option<Opening>,
    /// What the stream's head declares.
    root: Scope,
    /// Elements that have begun below the stream.
    depth: usize,
    /// Bytes of the child that has begun.
    bytes: usize,
}

impl Reader {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let options = Options {
            // Above, the parser gives up for good: the last line behind the limits of this file.
            max_token_length: limits.skipped_bytes_max,
            ..Options::default()
        };
        Self {
            parser: RawParser::with_options(options),
            limits,
            state: State::Prolog,
            opening: None,
            root: Scope::new(),
            depth: 0,
            bytes: 0,
        }
    }

    /// Whether it stands inside of a stanza.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// Takes bytes until something is whole. `None` when more are needed.
    ///
    /// # Errors
    /// [`Broken`]: the stream has to end; there is no going on after it.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Item>, Broken> {
        loop {
            let event = match self.parser.parse(bytes, false) {
                Ok(Some(event)) => event,
                Ok(None) | Err(EndOrError::NeedMoreData) => return Ok(None),
                Err(EndOrError::Error(error)) => {
                    return Err(match error {
                        rxml::Error::RestrictedXml(what) => Broken::Restricted(what.to_owned()),
                        other => Broken::NotWellFormed(other.to_string()),
                    });
                }
            };
            if let Some(item) = self.take(event)? {
                return Ok(Some(item));
            }
        }
    }

    fn take(&mut self, event: RawEvent) -> Result<Option<Item>, Broken> {
        if !matches!(self.state, State::Prolog | State::Between) {
            self.count(event.metrics().len())?;
        }
        match event {
            RawEvent::XmlDeclaration(..) => Ok(None),
            RawEvent::ElementHeadOpen(_, name) => self.head_opens(name),
            RawEvent::Attribute(_, name, value) => self.attribute(name, value),
            RawEvent::ElementHeadClose(_) => self.head_closes(),
            RawEvent::ElementFoot(_) => Ok(self.foot()),
            RawEvent::Text(_, text) => Ok(self.text(text)),
        }
    }

    fn count(&mut self, length: usize) -> Result<(), Broken> {
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > self.limits.skipped_bytes_max {
            return Err(Broken::TooLong);
        }
        if self.bytes > self.limits.stanza_bytes_max {
            self.skip(Skip::Bytes);
        }
        Ok(())
    }

    /// Passes over the stanza that has begun; what could be read of its head stays.
    fn skip(&mut self, why: Skip) {
        if let State::Building(building) = &self.state {
            let head = building.open.first().map(head_of);
            self.opening = None;
            self.state = State::Skipping(Skipped { why, head });
        }
    }

    fn head_opens(&mut self, name: RawQName) -> Result<Option<Item>, Broken> {
        match &mut self.state {
            State::Prolog => {}
            State::Between => {
                (self.depth, self.bytes) = (1, 0);
                self.state = State::Building(Building {
                    open: Vec::new(),
                    scopes: Vec::new(),
                    elements: 1,
                });
            }
            State::Building(building) => {
                self.depth += 1;
                building.elements += 1;
                if self.depth > self.limits.depth_max {
                    self.skip(Skip::Depth);
                } else if building.elements > self.limits.elements_max {
                    self.skip(Skip::Elements);
                }
            }
            State::Skipping(_) => self.depth += 1,
            State::Ended => return Err(Broken::BehindTheEnd),
        }
        if length(&name) > self.limits.attribute_bytes_max {
            self.skip(Skip::Attribute);
        }
        if matches!(self.state, State::Prolog | State::Building(_)) {
            self.opening = Some(Opening {
                name,
                declared: Scope::new(),
                attributes: Vec::new(),
            });
        }
        Ok(None)
    }

    fn attribute(&mut self, name: RawQName, value: String) -> Result<Option<Item>, Broken> {
        let Some(opening) = &mut self.opening else {
            // Of an element that is passed over.
            return Ok(None);
        };
        let count = opening.attributes.len() + opening.declared.len();
        let why = if length(&name).max(value.len()) > self.limits.attribute_bytes_max {
            Some(Skip::Attribute)
        } else if count >= self.limits.attributes_max {
            Some(Skip::Attributes)
        } else {
            None
        };
        match (why, &self.state) {
            (None, _) => {}
            (Some(_), State::Prolog) => {
                return Err(Broken::Restricted("the stream's head is too long".into()));
            }
            (Some(why), _) => {
                self.skip(why);
                return Ok(None);
            }
        }
        match name {
            (None, name) if name.as_str() == "xmlns" => opening.declared.push((None, value)),
            (Some(prefix), name) if prefix.as_str() == "xmlns" => {
                opening.declared.push((Some(name), value));
            }
            name => opening.attributes.push((name, value)),
        }
        Ok(None)
    }

    fn head_closes(&mut self) -> Result<Option<Item>, Broken> {
        let Some(opening) = self.opening.take() else {
            return Ok(None);
        };
        match &mut self.state {
            State::Prolog => {
                let header = Header {
                    id: opening.value("id").unwrap_or_default(),
                    from: opening.value("from"),
                    version: opening.value("version"),
                };
                let (prefix, name) = &opening.name;
                let scopes = std::slice::from_ref(&opening.declared);
                let is_stream = name.as_str() == "stream"
                    && resolve(&[], scopes, prefix.as_ref()) == Some(ns::STREAMS);
                if !is_stream {
                    return Err(Broken::NoStream);
                }
                self.root = opening.declared;
                self.state = State::Between;
                return Ok(Some(Item::Header(header)));
            }
            State::Building(building) => {
                let Opening {
                    name,
                    declared,
                    attributes,
                } = opening;
                building.scopes.push(declared);
                match element(&self.root, &building.scopes, &name, attributes) {
                    Ok(element) => building.open.push(element),
                    Err(why) => self.skip(why),
                }
            }
            // Nothing is opened in these.
            State::Between | State::Skipping(_) | State::Ended => {}
        }
        Ok(None)
    }

    fn foot(&mut self) -> Option<Item> {
        match &mut self.state {
            State::Prolog | State::Ended => None,
            State::Between => {
                self.state = State::Ended;
                Some(Item::End)
            }
            State::Building(building) => {
                self.depth = self.depth.saturating_sub(1);
                building.scopes.pop();
                let element = building.open.pop()?;
                if let Some(parent) = building.open.last_mut() {
                    parent.append_child(element);
                    return None;
                }
                self.state = State::Between;
                Some(Item::Stanza(element))
            }
            State::Skipping(_) => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth > 0 {
                    return None;
                }
                match std::mem::replace(&mut self.state, State::Between) {
                    State::Skipping(skipped) => Some(Item::Skipped(skipped)),
                    State::Prolog | State::Between | State::Building(_) | State::Ended => None,
                }
            }
        }
    }

    fn text(&mut self, text: String) -> Option<Item> {
        match &mut self.state {
            State::Building(building) => {
                if let Some(element) = building.open.last_mut() {
                    element.append_text(text);
                }
                None
            }
            // RFC 6120 §4.6.1: white space keeps a stream alive; other text has no place there.
            State::Between if !text.trim().is_empty() => Some(Item::Skipped(Skipped {
                why: Skip::Text,
                head: None,
            })),
            State::Prolog | State::Between | State::Skipping(_) | State::Ended => None,
        }
    }
}

impl Opening {
    fn value(&self, wanted: &str) -> Option<String> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|((prefix, name), _)| prefix.is_none() && name == wanted);
        found.map(|(_, value)| value.clone())
    }
}

fn length((prefix, name): &RawQName) -> usize {
    prefix.as_ref().map_or(0, |prefix| prefix.len()) + name.len()
}

/// The namespace of a prefix, the innermost declaration first.
fn resolve<'a>(
    root: &'a [(Option<NcName>, String)],
    scopes: &'a [Scope],
    prefix: Option<&NcName>,
) -> Option<&'a str> {
    if prefix.is_some_and(|prefix| prefix.as_str() == "xml") {
        return Some(rxml::XMLNS_XML);
    }
    let inside = scopes.iter().rev().flat_map(|scope| scope.iter().rev());
    let mut all = inside.chain(root.iter().rev());
    let found = all.find(|(declared, _)| declared.as_ref() == prefix);
    found.map(|(_, namespace)| namespace.as_str())
}

fn element(
    root: &Scope,
    scopes: &[Scope],
    (prefix, name): &RawQName,
    attributes: Vec<(RawQName, String)>,
) -> Result<Element, Skip> {
    let namespace = match resolve(root, scopes, prefix.as_ref()) {
        Some(ns::COMPONENT) => ns::CLIENT,
        Some(namespace) => namespace,
        None if prefix.is_none() => "",
        None => return Err(Skip::Prefix),
    };
    let mut element = Element::bare(name.as_str(), namespace);
    let kept: &mut AttrMap = element.attrs_mut();
    for ((prefix, name), value) in attributes {
        let namespace = match &prefix {
            None => Namespace::NONE,
            Some(_) => match resolve(root, scopes, prefix.as_ref()) {
                Some(namespace) => Namespace::from(namespace.to_owned()),
                None => return Err(Skip::Prefix),
            },
        };
        if kept.insert(namespace, name, value).is_some() {
            return Err(Skip::Twice);
        }
    }
    Ok(element)
}

/// The name and the addresses of a stanza, without what is in it.
fn head_of(stanza: &Element) -> Element {
    // RFC 7622 §3.1: an address has at most 3071 bytes.
    const LONGEST: usize = 3071;
    let mut head = Element::bare(stanza.name(), stanza.ns());
    for ((namespace, name), value) in stanza.attrs() {
        let wanted = ["id", "type", "from", "to"].contains(&name.as_str());
        if wanted && namespace.is_none() && value.len() <= LONGEST {
            head.attrs_mut()
                .insert(Namespace::NONE, name.clone(), value.clone());
        }
    }
    head
}
