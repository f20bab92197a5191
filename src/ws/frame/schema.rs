//! The JSON Schema of the protocol, made of the types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{ClientFrame, Event, ServerFrame};

/// The JSON Schema (2020-12) of all frames: `$defs` has `ClientFrame`, `ServerFrame` and `Event`
/// beside the types they are made of; a frame is one of the three.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut frames = [
        ("ClientFrame", of::<ClientFrame>(&mut generator)),
        ("ServerFrame", of::<ServerFrame>(&mut generator)),
        ("Event", of::<Event>(&mut generator)),
    ];
    // What is beside the members of each type, and in no struct.
    add(
        &mut frames[0].1,
        "ack",
        "The `seq` of the last event that has arrived.",
        false,
    );
    add(
        &mut frames[2].1,
        "seq",
        "The number of the event, from 1, without gaps.",
        true,
    );
    let mut definitions = generator.take_definitions(true);
    for (name, schema) in frames {
        definitions.insert(name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "crosspoint.v1",
        "description": "Frames of the JSON signaling protocol; docs/protocol.md explains them.",
        "oneOf": [
            { "$ref": "#/$defs/ClientFrame" },
            { "$ref": "#/$defs/ServerFrame" },
            { "$ref": "#/$defs/Event" },
        ],
        "$defs": definitions,
    })
}

fn of<T: JsonSchema>(generator: &mut schemars::SchemaGenerator) -> Value {
    Value::from(T::json_schema(generator))
}

/// Adds a number to every variant.
fn add(schema: &mut Value, member: &str, description: &str, required: bool) {
    let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for variant in variants.into_iter().flatten() {
        let number = json!({
            "type": "integer", "format": "uint64", "minimum": 0, "description": description,
        });
        if let Some(members) = variant.get_mut("properties").and_then(Value::as_object_mut) {
            members.insert(member.to_owned(), number);
        }
        let all = variant.get_mut("required").and_then(Value::as_array_mut);
        if let (Some(all), true) = (all, required) {
            all.push(json!(member));
        }
    }
}
