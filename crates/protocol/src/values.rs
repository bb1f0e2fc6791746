//! The values of placeholders, for one client and site.

use std::borrow::Cow;

use percent_encoding::utf8_percent_encode;

use crate::{
    attachment::ESCAPED,
    client::Client,
    dialect::{Place, Template},
    error::Error,
    origin::Origin,
    site,
};

/// The values that placeholders stand for, for the accounts at one site.
pub(crate) struct Values<'a> {
    client: &'a Client,
    of_site: Vec<(&'a str, &'a str)>,
}

impl<'a> Values<'a> {
    pub(crate) fn of(client: &'a Client, site: &'a Origin) -> Self {
        let of_site = site::values(client.dialect(), site).unwrap_or_default();
        Self { client, of_site }
    }

    /// Makes the values that are the same at every site.
    pub(crate) fn of_client(client: &'a Client) -> Self {
        let of_site = Vec::new();
        Self { client, of_site }
    }

    /// Returns a value: the site's, otherwise the registration's, otherwise the default.
    pub(crate) fn get(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        let (dialect, registration) = (self.client.dialect(), self.client.registration());
        if name == "client_id" {
            return Ok(registration.client_id().into());
        }
        if let Some((_, value)) = self.of_site.iter().find(|(own, _)| *own == name) {
            return Ok((*value).into());
        }
        let rules = dialect.values.get(name);
        let given = registration.given_value(name);
        let value = given.or_else(|| rules?.default.as_deref());
        let value = value.and_then(|value| rules?.pattern.read(value));
        value.ok_or_else(|| Error::ValueMissing {
            brand: dialect.brand.clone(),
            name: name.to_owned(),
        })
    }

    /// Fills a template whose text is encoded or checked as a whole.
    pub(crate) fn fill(&self, template: &Template) -> Result<String, Error> {
        template.fill(|name| self.get(name))
    }

    /// Fills the template of a URL. Values in its query are percent-encoded; in other places their
    /// patterns leave nothing to encode.
    pub(crate) fn url(&self, template: &Template) -> Result<String, Error> {
        let mut places = template.places_in_url();
        template.fill(|name| {
            let value = self.get(name)?;
            Ok(match places.next() {
                Some((_, Place::Query)) => utf8_percent_encode(&value, ESCAPED).to_string().into(),
                _ => value,
            })
        })
    }
}
