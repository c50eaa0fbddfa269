//! A JSON object as it is written: fields in order, one that says nothing left out, JSON of the caller byte for byte.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::client::Fault;
use crate::proto;
use crate::proto::attribute::Value;

/// The fields, as far as there are any.
#[derive(Default)]
pub(super) struct Object<'a>(Vec<(&'static str, Given<'a>)>);

enum Given<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Number(u64),
    Flag,
    Labels(&'a [proto::Label]),
    Attributes(&'a [proto::Attribute]),
    Json(&'a RawValue),
    Object(Object<'a>),
    Objects(Vec<Object<'a>>),
}

impl<'a> Object<'a> {
    pub(super) fn text(mut self, name: &'static str, text: &'a str) -> Self {
        if !text.is_empty() {
            self.0.push((name, Given::Text(text)));
        }
        self
    }

    pub(super) fn texts(mut self, name: &'static str, texts: &'a [String]) -> Self {
        if !texts.is_empty() {
            self.0.push((name, Given::Texts(texts)));
        }
        self
    }

    pub(super) fn number(mut self, name: &'static str, number: impl Into<Option<u64>>) -> Self {
        self.0.extend(number.into().map(|number| (name, Given::Number(number))));
        self
    }

    pub(super) fn flag(mut self, name: &'static str, flag: impl Into<bool>) -> Self {
        if flag.into() {
            self.0.push((name, Given::Flag));
        }
        self
    }

    pub(super) fn labels(mut self, name: &'static str, labels: &'a [proto::Label]) -> Self {
        if !labels.is_empty() {
            self.0.push((name, Given::Labels(labels)));
        }
        self
    }

    pub(super) fn attributes(mut self, name: &'static str, attributes: &'a [proto::Attribute]) -> Self {
        if !attributes.is_empty() {
            self.0.push((name, Given::Attributes(attributes)));
        }
        self
    }

    pub(super) fn json(mut self, name: &'static str, text: &'a str) -> Result<Self, Fault> {
        if !text.is_empty() {
            let json = serde_json::from_str(text)
                .map_err(|error| Fault::Setting(format!("{name} is no JSON: {error}")))?;
            self.0.push((name, Given::Json(json)));
        }
        Ok(self)
    }

    pub(super) fn object(mut self, name: &'static str, object: Option<Object<'a>>) -> Self {
        self.0.extend(object.map(|object| (name, Given::Object(object))));
        self
    }

    pub(super) fn objects(mut self, name: &'static str, objects: Vec<Object<'a>>) -> Self {
        if !objects.is_empty() {
            self.0.push((name, Given::Objects(objects)));
        }
        self
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, given)| (name, given)))
    }
}

impl Serialize for Given<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Given::Text(text) => text.serialize(serializer),
            Given::Texts(texts) => texts.serialize(serializer),
            Given::Number(number) => number.serialize(serializer),
            Given::Flag => true.serialize(serializer),
            Given::Labels(labels) => {
                serializer.collect_map(labels.iter().map(|label| (&label.key, &label.value)))
            }
            Given::Attributes(attributes) => {
                let mut map = serializer.serialize_map(Some(attributes.len()))?;
                for attribute in *attributes {
                    match &attribute.value {
                        Some(Value::Text(text)) => map.serialize_entry(&attribute.key, text)?,
                        Some(Value::Integer(value)) => map.serialize_entry(&attribute.key, value)?,
                        Some(Value::Flag(flag)) => map.serialize_entry(&attribute.key, flag)?,
                        None => map.serialize_entry(&attribute.key, &())?,
                    }
                }
                map.end()
            }
            Given::Json(json) => json.serialize(serializer),
            Given::Object(object) => object.serialize(serializer),
            Given::Objects(objects) => objects.serialize(serializer),
        }
    }
}
