//! [`Parameter`]: a name and a value, as payload types, feedback messages, header extensions and
//! sources have them.

use minidom::Element;

use super::tag::{Tag, attr};

/// `<parameter name value/>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// The name; empty where a value stands alone.
    pub name: String,
    /// The value; empty where a name stands alone.
    pub value: String,
}

impl Parameter {
    /// With both.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    /// Reads `a=b`, or `a` alone as a name.
    #[must_use]
    pub fn of_pair(text: &str) -> Self {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Self::new(name.trim(), value.trim())
    }

    /// Reads an element without the blanks around name and value.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        Self {
            name: attr(element, "name").unwrap_or_default(),
            value: attr(element, "value").unwrap_or_default(),
        }
    }

    /// All `<parameter/>` of an element, whatever namespace they were put in: clients differ.
    #[must_use]
    pub fn read_all(element: &Element) -> Vec<Self> {
        let all = element
            .children()
            .filter(|child| child.name() == "parameter");
        all.map(Self::read).collect()
    }

    /// `a=b`, or the one that is there alone.
    #[must_use]
    pub fn pair(&self) -> String {
        match (self.name.as_str(), self.value.as_str()) {
            ("", value) => value.to_owned(),
            (name, "") => name.to_owned(),
            (name, value) => format!("{name}={value}"),
        }
    }

    /// Whether neither name nor value has white space inside: Conversations ends the call for it.
    #[must_use]
    pub fn is_without_blanks(&self) -> bool {
        !self.name.contains(char::is_whitespace) && !self.value.contains(char::is_whitespace)
    }

    /// As an element of a namespace.
    #[must_use]
    pub fn write(&self, namespace: &'static str) -> Element {
        Tag::new("parameter", namespace)
            .attr("name", &self.name)
            .attr("value", &self.value)
            .build()
    }
}
