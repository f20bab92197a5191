//! Streams to chat servers: what they want of the outside, and who takes their stanzas.

use std::time::Instant;

use bytes::Bytes;

use super::{Gateway, Output, legs};
use crate::xmpp::{self, Standing};

impl Gateway {
    pub(super) fn xmpp_event(&mut self, event: xmpp::Event, now: Instant) {
        match event {
            xmpp::Event::Connect {
                stream,
                remote,
                security,
            } => self.outputs.push_back(Output::XmppConnect {
                stream,
                remote,
                security,
            }),
            xmpp::Event::Bytes { stream, bytes } => {
                let bytes = Bytes::from(bytes);
                self.outputs.push_back(Output::XmppBytes { stream, bytes });
            }
            xmpp::Event::StartTls { stream, security } => {
                let output = Output::XmppStartTls { stream, security };
                self.outputs.push_back(output);
            }
            xmpp::Event::Close { stream } => {
                self.outputs.push_back(Output::XmppClose { stream });
            }
            xmpp::Event::Ask { id, question } => self.outputs.push_back(Output::Ask {
                id: legs::of_xmpp(id),
                question,
            }),
            // Nobody takes calls of chat users yet: RFC 6120 §8.4 wants a request to be answered
            // all the same.
            xmpp::Event::Stanza { entity, stanza } => self.xmpp.refuse(entity, &stanza, now),
            // Nobody asks or sends yet; the streams' own requests do not come here.
            xmpp::Event::Answered { .. } | xmpp::Event::Undelivered { .. } => {}
            xmpp::Event::State { entity, standing } => {
                let name = self.xmpp.name(entity).unwrap_or_default().to_owned();
                let is_online = matches!(standing, Standing::Online { .. });
                self.metrics.chat_server(&name, is_online);
            }
        }
    }
}
