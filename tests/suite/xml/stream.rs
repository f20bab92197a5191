//! The server's end of a component's stream (XEP-0114): the handshake, and stanzas cut out of what
//! comes.

use aws_lc_rs::digest;
use minidom::Element;

/// What a server and its component both know.
pub(crate) const SECRET: &str = "not-for-the-log";

/// What has come of some bytes.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What the server says to it.
    pub(crate) replies: String,
    /// Stanzas, in `jabber:client`.
    pub(crate) stanzas: Vec<Element>,
    /// Whether stanzas may flow from here on.
    pub(crate) opened: bool,
    /// Whether the component has ended its stream.
    pub(crate) ended: bool,
    /// What is wrong.
    pub(crate) wrong: Vec<String>,
}

/// One stream.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    text: String,
    is_open: bool,
}

impl Stream {
    /// Whether stanzas flow.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes bytes of the component.
    pub(crate) fn hears(&mut self, bytes: &[u8]) -> Heard {
        self.text += &String::from_utf8_lossy(bytes);
        let mut heard = Heard::default();
        while let Some(item) = self.next_item() {
            self.takes(&item, &mut heard);
        }
        heard
    }

    fn takes(&mut self, item: &str, heard: &mut Heard) {
        if item.starts_with("<stream:stream") {
            heard.replies += "<?xml version='1.0'?><stream:stream \
                xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' \
                from='gw.example.org' id='3BF96D32'>";
        } else if item.starts_with("<handshake") {
            match item.contains(&proof("3BF96D32")) {
                true => {
                    self.is_open = true;
                    heard.opened = true;
                    heard.replies += "<handshake/>";
                }
                false => heard.wrong.push(format!("a proof that is none: {item}")),
            }
        } else if item.starts_with("</stream:stream") {
            heard.ended = true;
        } else if !item.starts_with("<?xml") {
            match (self.is_open, read(item)) {
                (true, Some(stanza)) => heard.stanzas.push(stanza),
                _ => heard.wrong.push(format!("no stanza: {item}")),
            }
        }
    }

    /// Cuts the next whole piece off: a declaration, a stream head or end, a child of the stream.
    fn next_item(&mut self) -> Option<String> {
        let blanks = self.text.len() - self.text.trim_start().len();
        self.text.drain(..blanks);
        let (mut depth, mut at) = (0_usize, 0);
        loop {
            let begin = at + self.text[at..].find('<')?;
            let end = begin + self.text[begin..].find('>')? + 1;
            let tag = &self.text[begin..end];
            at = end;
            let is_alone = tag.starts_with("<?")
                || tag.starts_with("<stream:stream")
                || tag.starts_with("</stream:stream");
            if tag.starts_with("</") {
                depth = depth.saturating_sub(1);
            } else if !tag.ends_with("/>") && !is_alone {
                depth += 1;
            }
            if depth == 0 {
                return Some(self.text.drain(..end).collect());
            }
        }
    }
}

/// A child of the stream as an element of `jabber:client`.
fn read(item: &str) -> Option<Element> {
    let head = item.find('>')?;
    let name = item.find([' ', '/', '>'])?;
    let text = match item[..head].contains(" xmlns='") {
        true => item.to_owned(),
        false => format!("{} xmlns='jabber:client'{}", &item[..name], &item[name..]),
    };
    text.parse().ok()
}

/// XEP-0114 §3.
fn proof(id: &str) -> String {
    let hash = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{id}{SECRET}").as_bytes(),
    );
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
