//! A TOML text as a tree that knows where each key is written.
//!
//! A deserializer stops at the first mistake. To find all of them, what is wrong is noted, cut out
//! of the tree, and the rest is read again, until it can be read: each round takes a node away, so
//! the rounds end. The places of keys stay as they were in the text.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

use super::{Config, Mistake};

/// Mistakes of form that are looked for before a file is given up.
const MISTAKES_MAX: usize = 100;

/// A text that was parsed, as far as it could be.
pub(super) struct Document<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    nodes: Vec<Node>,
    /// The place of each node in `nodes`, by its key in full.
    by_key: BTreeMap<String, usize>,
}

/// One key or element.
struct Node {
    path: Vec<Step>,
    key: Range<usize>,
    value: Range<usize>,
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    /// An element of an array: its place, and where it starts in the text, which stays true when
    /// elements before it are cut out.
    Element(usize, usize),
}

impl<'a> Document<'a> {
    /// Parses a text. What is no TOML is told and left out.
    pub(super) fn parse(text: &'a str) -> (Self, Vec<Mistake>) {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut nodes = Vec::new();
        walk_table(root.get_ref(), &[], &mut nodes);
        let by_key = nodes.iter().enumerate();
        let by_key = by_key.map(|(place, node)| (name(&node.path), place));
        let document = Self {
            text,
            by_key: by_key.collect(),
            root,
            nodes,
        };
        let mistakes = errors.iter().take(MISTAKES_MAX).map(|error| Mistake {
            line: document.line_at(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            what: error.message().trim().to_owned(),
        });
        let mistakes = mistakes.collect();
        (document, mistakes)
    }

    /// What the text says without what is wrong, and what is wrong with its form. Nothing at all
    /// where there is no end of mistakes.
    pub(super) fn read(&self) -> (Option<Config>, Vec<Mistake>) {
        let mut mistakes: Vec<Mistake> = Vec::new();
        let mut left = self.root.clone();
        for _ in 0..MISTAKES_MAX {
            let error = match Config::deserialize(Deserializer::from(left.clone())) {
                Ok(config) => return (Some(config), mistakes),
                Err(error) => error,
            };
            let node = self.node_of(&error);
            let node = node.map(|node| self.element_of(node, &left, &error).unwrap_or(node));
            let mistake = Mistake {
                line: node.map_or(0, |node| self.line_at(node.key.start)),
                key: node.map_or_else(String::new, |node| name(&node.path)),
                what: in_words(error.message()),
            };
            let known =
                |other: &Mistake| (other.line, &other.what) == (mistake.line, &mistake.what);
            if !mistakes.iter().any(known) {
                mistakes.push(mistake);
            }
            let cut = node.is_some_and(|node| {
                let mut path = node.path.as_slice();
                while !path.is_empty() && !remove(left.get_mut(), path) {
                    path = &path[..path.len() - 1];
                }
                !path.is_empty()
            });
            if !cut {
                break;
            }
        }
        (None, mistakes)
    }

    /// The line on which a key is written, or else the nearest part of it that is; 0 without any.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let mut key = key;
        loop {
            if let Some(place) = self.by_key.get(key) {
                return self.line_at(self.nodes[*place].key.start);
            }
            match key.rfind(['.', '[']) {
                Some(end) => key = &key[..end],
                None => return 0,
            }
        }
    }

    /// The node that an error is about: the one that spans exactly it, else the smallest around it.
    fn node_of(&self, error: &Error) -> Option<&Node> {
        let span = error.span()?;
        let exact = |node: &&Node| node.key == span || node.value == span;
        let around = |part: &Range<usize>| part.start <= span.start && span.end <= part.end;
        let deepest = self
            .nodes
            .iter()
            .filter(exact)
            .max_by_key(|node| node.path.len());
        deepest.or_else(|| {
            let holding = self.nodes.iter().filter(|node| around(&node.value));
            holding.min_by_key(|node| node.value.len())
        })
    }

    /// The element that an error about a whole array is about: the first that fails alone.
    fn element_of(
        &self,
        array: &Node,
        left: &Spanned<DeTable<'a>>,
        error: &Error,
    ) -> Option<&Node> {
        let depth = array.path.len();
        let is_element = |node: &&Node| {
            let last = matches!(node.path.last(), Some(Step::Element(..)));
            last && node.path.len() == depth + 1 && node.path.starts_with(&array.path)
        };
        let elements: Vec<_> = self
            .nodes
            .iter()
            .filter(is_element)
            .take(MISTAKES_MAX)
            .collect();
        let fails_alone = |element: &&Node| {
            let mut alone = left.clone();
            if find(alone.get_mut(), &element.path).is_none() {
                return false;
            }
            for other in &elements {
                if other.path != element.path {
                    remove(alone.get_mut(), &other.path);
                }
            }
            Config::deserialize(Deserializer::from(alone))
                .is_err_and(|other| other.span() == error.span())
        };
        elements.iter().copied().find(fails_alone)
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

fn walk_table(table: &DeTable<'_>, above: &[Step], nodes: &mut Vec<Node>) {
    for (key, value) in table.iter() {
        let step = Step::Key(key.get_ref().to_string());
        walk(step, key.span(), value, above, nodes);
    }
}

fn walk(
    step: Step,
    key: Range<usize>,
    value: &Spanned<DeValue<'_>>,
    above: &[Step],
    nodes: &mut Vec<Node>,
) {
    let mut path = above.to_vec();
    path.push(step);
    match value.get_ref() {
        DeValue::Table(table) => walk_table(table, &path, nodes),
        DeValue::Array(array) => {
            for (place, element) in array.iter().enumerate() {
                let step = Step::Element(place, element.span().start);
                walk(step, element.span(), element, &path, nodes);
            }
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
    nodes.push(Node {
        path,
        key,
        value: value.span(),
    });
}

/// A path as it is written for people: `trunk[0].uri`.
fn name(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Element(place, _) => text.push_str(&format!("[{place}]")),
        }
    }
    text
}

/// What a deserializer says, in the words of this file; never with the value, which may be a
/// secret in the wrong place.
fn in_words(message: &str) -> String {
    let message = message.trim();
    let parts = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    let Some((found, expected)) = parts else {
        return message.to_owned();
    };
    let found = found.split(['`', '"']).next().unwrap_or_default().trim();
    match expected {
        "a duration" => "is to be a time with its unit, such as \"500ms\", \"30s\", \"10m\"".into(),
        _ if expected.starts_with("struct ") => {
            format!("is to be a section of keys, not a {found}")
        }
        _ => format!("is to be {expected}, not a {found}"),
    }
}

/// The value at a path, as long as it is there.
fn find<'t, 'a>(table: &'t mut DeTable<'a>, path: &[Step]) -> Option<&'t mut DeValue<'a>> {
    let [Step::Key(key), rest @ ..] = path else {
        return None;
    };
    let mut value = table.get_mut(key.as_str())?.get_mut();
    for step in rest {
        value = match (value, step) {
            (DeValue::Table(table), Step::Key(key)) => table.get_mut(key.as_str())?.get_mut(),
            (DeValue::Array(array), Step::Element(_, start)) => array
                .iter_mut()
                .find(|element| element.span().start == *start)?
                .get_mut(),
            // Only tables and arrays have something below them.
            _ => return None,
        };
    }
    Some(value)
}

/// Cuts a node out. Returns whether it was there.
fn remove(table: &mut DeTable<'_>, path: &[Step]) -> bool {
    let Some((last, above)) = path.split_last() else {
        return false;
    };
    match (last, find(table, above)) {
        (Step::Key(key), None) if above.is_empty() => table.remove(key.as_str()).is_some(),
        (Step::Key(key), Some(DeValue::Table(table))) => table.remove(key.as_str()).is_some(),
        (Step::Element(_, start), Some(DeValue::Array(array))) => {
            let before = array.len();
            let elements = mem::replace(array, DeArray::new()).into_iter();
            *array = elements
                .filter(|element| element.span().start != *start)
                .collect();
            array.len() < before
        }
        // What it was in is gone itself.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_a_key_is_found_wherever_it_is_written() {
        let text = "sip.t1 = \"1s\"\n\n[server]\nlisten = [\n\"127.0.0.1:1\",\n\"[::1]:1\",\n]\n\
                    [[trunk]]\nname = \"a\"\n[[trunk]]\nname = \"b\"\n";
        let (document, mistakes) = Document::parse(text);
        assert_eq!(mistakes, []);
        for (key, line) in [
            ("sip.t1", 1),
            ("server.listen", 4),
            ("server.listen[1]", 6),
            ("trunk[0].name", 9),
            ("trunk[1]", 10),
            ("trunk[1].name", 11),
            ("trunk[1].uri", 10),
            ("server.page", 3),
            ("call.drain", 0),
        ] {
            assert_eq!(document.line_of(key), line, "{key}");
        }
    }

    #[test]
    fn every_element_that_is_wrong_is_told_once() {
        let text = "[sip]\nlisten = [\n\"udp:127.0.0.1:1\",\n\"5060\",\n\"sctp:[::1]:1\"]\n";
        let (document, _) = Document::parse(text);
        let (config, mistakes) = document.read();
        let told: Vec<_> = mistakes.iter().map(|m| (m.line, m.key.as_str())).collect();
        assert_eq!(told, [(4, "sip.listen[1]"), (5, "sip.listen[2]")]);
        assert_eq!(config.map(|config| config.sip.listen.len()), Some(1));
    }

    #[test]
    fn value_of_the_wrong_type_is_told_without_the_value() {
        let text = "[trace]\nbodies = \"opensesame\"\n[log]\nlevel = 5\n[call]\ndrain = \"soon\"\n\
                    sip = 3\n[[auth.user]]\ntoken = 12345\n[client]\ndepth_max = -1\n";
        let (document, _) = Document::parse(text);
        let (_, mistakes) = document.read();
        let mut told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        told.sort();
        assert!(
            told.join("\n")
                .contains("trace.bodies: is to be a boolean, not a string"),
            "{told:?}"
        );
        assert!(
            told.join("\n")
                .contains("call.drain: is to be a time with its unit"),
            "{told:?}"
        );
        assert!(!told.join("\n").contains("opensesame") && !told.join("\n").contains("12345"));
        assert_eq!(told.len(), 6, "{told:?}");
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_lines() {
        let (_, mistakes) = Document::parse("[server]\npage = yes\n[sip]\nt1 = \"1s\nt2 = 3\n");
        let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
        assert!(lines.contains(&2) && lines.contains(&4), "{mistakes:?}");
    }
}
