//! The site of an account, and the origins that take its tokens.

use crate::{client::Client, error::Error, origin::Origin, site_policy::parse};

pub(crate) fn resolve(client: &Client, given: Option<&str>) -> Result<Origin, Error> {
    let dialect = client.dialect();
    let brand = || dialect.brand.clone();
    match (&dialect.base, given) {
        (Some(base), None) => Ok(base.clone()),
        (Some(base), Some(given)) => match parse(given)? {
            site if site == *base => Ok(site),
            _ => Err(Error::SiteUnexpected {
                brand: brand(),
                base: base.to_string(),
            }),
        },
        (None, None) => Err(Error::SiteMissing { brand: brand() }),
        (None, Some(given)) => {
            let site = parse(given)?;
            let policy = client.site_policy();
            policy
                .ok_or_else(|| Error::SitePolicyMissing { brand: brand() })?
                .check(&site)?;
            Ok(site)
        }
    }
}

pub(crate) fn api_origins(client: &Client, site: &Origin) -> Vec<Origin> {
    let mut origins = vec![site.clone()];
    for origin in &client.dialect().api_origins {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
    origins
}
