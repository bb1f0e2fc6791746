//! The site of an account.

use crate::{
    client::Client,
    dialect::{Dialect, Piece, Template},
    error::Error,
    origin::Origin,
    site_policy::{LONGEST_HOST, parse},
    values::Values,
};

pub(crate) fn resolve(client: &Client, given: Option<&str>) -> Result<Origin, Error> {
    let dialect = client.dialect();
    let brand = || dialect.brand.clone();
    if let Some(base) = &dialect.base {
        return match given.map(parse).transpose()? {
            Some(site) if site != *base => Err(Error::SiteUnexpected {
                brand: brand(),
                base: base.to_string(),
            }),
            _ => Ok(base.clone()),
        };
    }
    let site = match (&dialect.site, given) {
        (None, None) => return Err(Error::SiteMissing { brand: brand() }),
        (None, Some(given)) => parse(given)?,
        (Some(template), None) => registered(client, template)?,
        (Some(template), Some(given)) => of_form(dialect, template, given)?,
    };
    match client.site_policy() {
        Some(policy) => {
            policy.check(&site)?;
            let has_secret = client.registration().client_secret().is_some();
            if has_secret && !dialect.confines_sites() {
                policy.check_secret(&site)?;
            }
        }
        None if dialect.confines_sites() => {}
        None => return Err(Error::SitePolicyMissing { brand: brand() }),
    }
    Ok(site)
}

/// Returns the site that the registration's values and the defaults make.
fn registered(client: &Client, template: &Template) -> Result<Origin, Error> {
    let text = Values::of_client(client).fill(template);
    let text = text.map_err(|_| Error::SiteMissing {
        brand: client.dialect().brand.clone(),
    })?;
    Origin::parse(&text)
}

/// Returns whether the site is the one that the registration's values and the defaults make.
pub(crate) fn is_registered(client: &Client, site: &Origin) -> bool {
    let template = client.dialect().site.as_ref();
    template.is_some_and(|template| registered(client, template).is_ok_and(|own| own == *site))
}

/// Reads a site that has the template's form, or the value alone if there is only one.
fn of_form(dialect: &Dialect, template: &Template, given: &str) -> Result<Origin, Error> {
    let refused = || Error::SiteForm {
        brand: dialect.brand.clone(),
        form: template.to_string(),
    };
    let given = given.trim();
    if given.len() > LONGEST_HOST + template.as_str().len() {
        return Err(refused());
    }
    if let Ok(site) = parse(given)
        && values(dialect, &site).is_some()
    {
        return Ok(site);
    }
    let mut names = template.names();
    let name = names.next().ok_or_else(refused)?;
    let rules = dialect.values.get(name).ok_or_else(refused)?;
    // The case of a host has no meaning.
    let given = given.to_ascii_lowercase();
    let value = rules.pattern.read(&given).ok_or_else(refused)?;
    if names.any(|other| other != name) {
        return Err(refused());
    }
    Origin::parse(&template.fill(|_| Ok::<_, Error>(value.clone()))?)
}

/// Returns the values that a site of the dialect's form holds. `None`: it has another form.
pub(crate) fn values<'s>(
    dialect: &'s Dialect,
    site: &'s Origin,
) -> Option<Vec<(&'s str, &'s str)>> {
    let template = dialect.site.as_ref()?;
    // The search takes more than linear time, and no longer host can exist.
    if site.host().len() > LONGEST_HOST {
        return None;
    }
    let pieces: Vec<_> = template.pieces().collect();
    let mut found = Vec::new();
    read(dialect, &pieces, site.as_str(), &mut found).then_some(found)
}

/// Reads `text` by the pieces of a template, and tries the shortest value first.
fn read<'s>(
    dialect: &Dialect,
    pieces: &[Piece<'s>],
    text: &'s str,
    found: &mut Vec<(&'s str, &'s str)>,
) -> bool {
    let Some((piece, others)) = pieces.split_first() else {
        return text.is_empty();
    };
    let name = match *piece {
        Piece::Text(own) => {
            return text
                .strip_prefix(own)
                .is_some_and(|rest| read(dialect, others, rest, found));
        }
        Piece::Placeholder(name) => name,
    };
    let Some(rules) = dialect.values.get(name) else {
        return false;
    };
    let earlier = found.iter().find(|(own, _)| *own == name).map(|(_, v)| *v);
    for end in 1..=text.len() {
        let Some((value, rest)) = text.split_at_checked(end) else {
            return false;
        };
        let same = earlier.is_none_or(|earlier| earlier == value);
        if same && rules.pattern.read(value).is_some() {
            found.push((name, value));
            if read(dialect, others, rest, found) {
                return true;
            }
            found.pop();
        }
    }
    false
}
