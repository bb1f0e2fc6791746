//! The providers of which the command knows the dialect: adapters and presets.

use tokenkeeper::{
    presets,
    protocol::{Dialect, Provider as _, Registration},
    providers::{Amiqus, FortesMilestones, IOffice, QicsMilestones},
};

use crate::{BoxError, exit::misconfigured};

/// The names of the adapters.
const ADAPTERS: [&str; 4] = ["amiqus", "fortes-milestones", "ioffice", "qics-milestones"];

/// A provider that a configuration can name.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// The text of its preset; none for an adapter.
    pub(super) text: Option<&'static str>,
    pub(super) dialect: Dialect,
}

/// Returns all providers, by their names.
pub(super) fn all() -> Result<Vec<Known>, BoxError> {
    let mut names: Vec<_> = ADAPTERS.into_iter().chain(presets::names()).collect();
    names.sort_unstable();
    names.into_iter().map(find).collect()
}

/// Returns the provider of this name.
pub(super) fn find(name: &str) -> Result<Known, BoxError> {
    if let Some(name) = ADAPTERS.into_iter().find(|adapter| *adapter == name) {
        let dialect = adapter(name)?;
        return Ok(Known {
            name,
            text: None,
            dialect,
        });
    }
    let Some(own) = presets::names().find(|own| *own == name) else {
        let problem = match presets::get(name) {
            Err(unknown) => unknown.to_string(),
            Ok(_) => format!("there is no preset `{name}`"),
        };
        let text = format!("{problem}; `tokenkeeper providers` lists all");
        return Err(misconfigured(text).into());
    };
    Ok(Known {
        name: own,
        text: Some(presets::text(own)?),
        dialect: presets::get(own)?,
    })
}

fn adapter(name: &str) -> Result<Dialect, BoxError> {
    let unused = Registration::new("client", "http://127.0.0.1/callback").secret("secret");
    Ok(match name {
        "amiqus" => Amiqus::new(unused)?.client().dialect().clone(),
        "fortes-milestones" => FortesMilestones::new(unused)?.client().dialect().clone(),
        "qics-milestones" => QicsMilestones::new(unused)?.client().dialect().clone(),
        _ => IOffice::new(unused)?.client().dialect().clone(),
    })
}

impl Known {
    pub(super) fn kind(&self) -> &'static str {
        match self.text {
            Some(_) => "preset",
            None => "adapter",
        }
    }

    /// Returns where the provider is. `None`: each tenant has a site without a common form.
    pub(super) fn site(&self) -> Option<String> {
        let base = self.dialect.base.as_ref().map(ToString::to_string);
        base.or_else(|| self.dialect.site.as_ref().map(ToString::to_string))
    }
}
