//! The first lines of a preset: its provider, documents, quirks and inferences.

use crate::support;

/// What the comments at the head of a preset say.
#[derive(Debug, Default)]
pub struct Header {
    /// The provider's name.
    pub provider: String,
    /// The URLs of the vendor's documents.
    pub documents: Vec<String>,
    /// The day of the last check, and the sources.
    pub checked: String,
    /// What differs from the RFCs.
    pub quirks: Vec<String>,
    /// What no document says.
    pub inferred: Vec<String>,
}

impl Header {
    /// Reads the head of a preset.
    pub fn of(name: &str) -> Self {
        let text = support::read(&format!("presets/{name}.toml"));
        let mut lines = text.lines().map_while(|line| line.strip_prefix("# "));
        let mut header = Self {
            provider: lines.next().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for line in lines {
            if line.starts_with("https://") {
                header.documents.push(line.to_owned());
                continue;
            }
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            let value = value.to_owned();
            match key {
                "checked" => header.checked = value,
                "quirk" => header.quirks.push(value),
                "inferred" => header.inferred.push(value),
                _ => panic!("{name}: unknown line `{line}`"),
            }
        }
        header
    }
}
