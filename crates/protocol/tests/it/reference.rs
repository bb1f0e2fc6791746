//! `docs/dialect.md` lists every field of a dialect and every value of a choice.

use std::collections::{BTreeMap, BTreeSet};

use tokenkeeper_protocol::Dialect;

use crate::schema;

const PAGE: &str = include_str!("../../../../docs/dialect.md");

/// Returns the row of each field, without its first column.
fn rows() -> BTreeMap<&'static str, &'static str> {
    let rows = PAGE.lines().filter_map(|line| {
        let (field, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        Some((field, rest))
    });
    let all: Vec<_> = rows.collect();
    let unique: BTreeMap<_, _> = all.iter().copied().collect();
    assert_eq!(all.len(), unique.len(), "a field has two rows");
    unique
}

/// Returns whether a field is a section, which has no row.
fn is_section(fields: &BTreeSet<String>, field: &str) -> bool {
    let section = format!("{field}.");
    let mut below = fields
        .iter()
        .filter_map(|other| other.strip_prefix(&section));
    below.any(|member| !member.starts_with('*'))
}

#[test]
fn the_reference_lists_every_field_and_no_other() {
    let fields = schema::of_dialect().fields;
    let rows = rows();
    let missing: Vec<_> = fields
        .iter()
        .filter(|field| !is_section(&fields, field) && !rows.contains_key(field.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/dialect.md lacks {missing:?}");
    let unknown: Vec<_> = rows.keys().filter(|row| !fields.contains(**row)).collect();
    assert!(unknown.is_empty(), "docs/dialect.md has {unknown:?}");
}

#[test]
fn the_reference_lists_every_value_of_a_choice() {
    let rows = rows();
    for (path, values) in schema::of_dialect().choices {
        // A list of choices has one row.
        let row = rows[path.trim_end_matches("[]")];
        for value in values {
            let plain = row.contains(&format!("\"{value}\""));
            let with_value = row.contains(&format!("{{ {value} = "));
            assert!(
                plain || with_value,
                "`{path}` in docs/dialect.md lacks `{value}`"
            );
        }
    }
}

#[test]
fn the_reference_lists_the_values_of_parameters() {
    let rows = rows();
    for (field, values) in [
        (
            "authorization.parameters",
            values_of("authorization.parameters"),
        ),
        ("token.code", values_of("token.code")),
        ("token.refresh", values_of("token.refresh")),
    ] {
        assert!(values.len() >= 5, "{values:?}");
        for value in values {
            let listed = rows[field].contains(&format!("`{value}`"));
            assert!(listed, "`{field}` in docs/dialect.md lacks `{value}`");
        }
    }
}

/// Returns the values of a parameter, which the error for an unknown one lists.
fn values_of(field: &str) -> Vec<String> {
    let text = format!(
        "brand = \"a\"\nauthorization.endpoint = \"/a\"\ntoken.endpoint = \"/t\"\n{field} = [\"?\"]"
    );
    let error = Dialect::from_toml(&text).unwrap_err().to_string();
    let (_, values) = error.split_once("use one of ").unwrap();
    values.trim().split(", ").map(str::to_owned).collect()
}

#[test]
fn the_example_of_the_reference_is_a_dialect() {
    let (_, rest) = PAGE.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    Dialect::from_toml(text).unwrap();
}
