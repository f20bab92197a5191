//! What the gateway logs in a run: no `error!`, and nothing private.

use std::cell::RefCell;
use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What must never be logged: the passwords of the peers' ICE and of the configuration.
const PRIVATE: &[&str] = &["0123456789012345678901", "not-for-the-log"];

thread_local! {
    static WRONG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Listens to all that is logged.
pub(super) struct Listener;

impl Listener {
    /// What was wrong since the last time.
    pub(super) fn taken() -> Vec<String> {
        WRONG.with(|wrong| std::mem::take(&mut *wrong.borrow_mut()))
    }
}

/// The text of an event.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("crosspoint")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let private = PRIVATE.iter().any(|private| text.0.contains(private));
        if private || *event.metadata().level() == Level::ERROR {
            WRONG.with(|wrong| wrong.borrow_mut().push(text.0));
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
