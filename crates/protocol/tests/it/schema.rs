//! The fields of a dialect and the values of its choices, as its types declare them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;
use tokenkeeper_protocol::Dialect;

/// What a type declares: paths such as `token.code` and `errors.map[].status`, and the values of
/// each choice by its path.
#[derive(Default)]
pub struct Schema {
    pub fields: BTreeSet<String>,
    pub choices: BTreeMap<String, &'static [&'static str]>,
}

/// Returns what a dialect declares.
pub fn of_dialect() -> Schema {
    let complete: Value = toml::from_str(include_str!("complete.toml")).unwrap();
    let schema = read::<Dialect>(&complete);
    // Each struct is reached if each field is set.
    let missing: Vec<_> = schema
        .fields
        .iter()
        .filter(|field| at(&complete, field).is_none())
        .collect();
    assert!(missing.is_empty(), "complete.toml lacks {missing:?}");
    schema
}

fn read<T: DeserializeOwned>(value: &Value) -> Schema {
    let schema = RefCell::default();
    let path = String::new();
    let recorder = Recorder {
        value,
        path,
        schema: &schema,
    };
    if let Err(error) = T::deserialize(recorder) {
        panic!("complete.toml: {error}");
    }
    schema.into_inner()
}

/// Returns the value of a field in the first item of each list and map on its path.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| {
        let (name, listed) = match part.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (part, false),
        };
        let value = match name {
            "*" => value.as_object()?.values().next()?,
            name => value.get(name)?,
        };
        if listed { value.get(0) } else { Some(value) }
    })
}

/// A deserializer that notes what the types ask for, and answers with `value`.
struct Recorder<'s> {
    value: &'s Value,
    path: String,
    schema: &'s RefCell<Schema>,
}

impl<'s> Recorder<'s> {
    fn below(&self, value: &'s Value, part: &str) -> Self {
        Self {
            value,
            path: format!("{}{part}", self.path),
            schema: self.schema,
        }
    }

    fn dotted(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!(".{name}")
        }
    }

    fn members(&self, part: impl Fn(&str) -> String) -> Vec<(&'s str, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members
            .map(|(name, value)| (name.as_str(), self.below(value, &part(name))))
            .collect()
    }
}

impl<'de> Deserializer<'de> for Recorder<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.value.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let items = self.value.as_array().into_iter().flatten();
        let items = items.map(|item| self.below(item, "[]"));
        visitor.visit_seq(SeqDeserializer::new(items))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let members = self.members(|_| self.dotted("*"));
        visitor.visit_map(MapDeserializer::new(members.into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let paths = fields
            .iter()
            .map(|name| self.path.clone() + &self.dotted(name));
        self.schema.borrow_mut().fields.extend(paths);
        let members = self.members(|name| self.dotted(name));
        visitor.visit_map(MapDeserializer::new(members.into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let mut schema = self.schema.borrow_mut();
        schema.choices.insert(self.path.clone(), variants);
        drop(schema);
        self.value.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Recorder<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
