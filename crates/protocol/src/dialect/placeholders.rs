//! The check of all placeholders of a dialect.

use std::{borrow::Cow, collections::BTreeSet};

use http::Uri;

use super::{
    ApiOriginRule, Dialect,
    check::wrong,
    endpoint::Endpoint,
    template::{Place, Template},
    values::ValuePattern,
};
use crate::{api_origin::ApiOrigin, error::Error, origin::Origin};

/// A template of a dialect, and where it is.
struct Use<'d> {
    field: String,
    template: &'d Template,
    kind: Kind,
}

/// What a template makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Endpoint,
    Site,
    ApiOrigin,
    Parameter,
    TokenHeader,
    ApiHeader,
}

/// Checks the declared values, and that each placeholder is declared and fits its place.
pub(super) fn check(dialect: &Dialect) -> Result<(), Error> {
    for (name, rules) in &dialect.values {
        rules.check(name)?;
    }
    let uses = uses(dialect);
    for one in &uses {
        check_use(dialect, one)?;
    }
    let used: BTreeSet<&str> = uses.iter().flat_map(|one| one.template.names()).collect();
    match dialect.values.keys().find(|name| !used.contains(&***name)) {
        Some(name) => wrong(
            format!("values.{name}"),
            "is used by no placeholder: remove it",
        ),
        None => Ok(()),
    }
}

fn check_use(dialect: &Dialect, one: &Use<'_>) -> Result<(), Error> {
    let Use {
        field,
        template,
        kind,
    } = one;
    for (name, place) in places(template, *kind) {
        let fits = if name == "client_id" {
            matches!(place, Place::Query | Place::Parameter | Place::Header)
        } else {
            match dialect.values.get(name) {
                Some(rules) => rules.pattern.fits(place),
                None => {
                    let problem = format!("uses `{name}`: declare it as `values.{name}`");
                    return wrong(field.as_str(), &problem);
                }
            }
        };
        if !fits {
            let problem = format!("cannot hold `{name}` there: its pattern has other characters");
            return wrong(field.as_str(), &problem);
        }
    }
    match kind {
        Kind::Site => check_site(field, template)?,
        Kind::ApiHeader if template.names().any(|name| dialect.site_holds(name)) => {
            return wrong(
                field.as_str(),
                "must not hold a value of the site: one header serves all sites",
            );
        }
        _ => {}
    }
    if matches!(kind, Kind::Endpoint | Kind::Site | Kind::ApiOrigin) {
        check_url(dialect, one)?;
    }
    Ok(())
}

fn check_site(field: &str, template: &Template) -> Result<(), Error> {
    let rest = template.as_str().strip_prefix("https://");
    let plain = |rest: &str| !rest.contains(['/', '?', '#', '@', '*', '\\', ' ']);
    if !rest.is_some_and(plain) || template.names().next().is_none() {
        return wrong(
            field,
            "must be an https origin with a placeholder, and without a path",
        );
    }
    Ok(())
}

/// Checks that values of the right form make a URL, and cannot move it to another's domain.
fn check_url(dialect: &Dialect, one: &Use<'_>) -> Result<(), Error> {
    let sample = |name: &str| match dialect.values.get(name) {
        Some(rules) => rules.pattern.sample(),
        None => "client-id",
    };
    let text = one
        .template
        .fill(|name| Ok::<_, Error>(Cow::Borrowed(sample(name))))?;
    let sound = match one.kind {
        // The values of a site are read from its normal form.
        Kind::Site => Origin::parse(&text).is_ok_and(|site| site.as_str() == text),
        Kind::ApiOrigin => ApiOrigin::parse(&text).is_ok(),
        _ if text.starts_with('/') => true,
        _ => url::Url::parse(&text).is_ok_and(|url| Origin::of_url(&url).is_some()),
    };
    if !sound {
        return wrong(
            one.field.as_str(),
            "is no https URL in its normal form with values filled in: write it in lower case, \
             without a default port",
        );
    }
    if one.kind == Kind::Site || dialect.is_confined(one.template) || !dialect.confines_sites() {
        return Ok(());
    }
    if one.template.names().any(|name| dialect.site_holds(name)) {
        return wrong(
            one.field.as_str(),
            "must have a host that ends with a fixed domain, such as `.example.com`",
        );
    }
    Ok(())
}

fn places(template: &Template, kind: Kind) -> Vec<(&str, Place)> {
    let all = |place| template.names().map(|name| (name, place)).collect();
    match kind {
        Kind::Endpoint | Kind::Site | Kind::ApiOrigin => template.places_in_url().collect(),
        Kind::Parameter => all(Place::Parameter),
        Kind::TokenHeader | Kind::ApiHeader => all(Place::Header),
    }
}

impl Dialect {
    /// Returns whether sites of this form need no policy: their hosts end with a fixed domain.
    pub(crate) fn confines_sites(&self) -> bool {
        self.site
            .as_ref()
            .is_some_and(|site| self.is_confined(site))
    }

    /// Returns whether the template of the sites holds this value.
    pub(crate) fn site_holds(&self, name: &str) -> bool {
        let site = self.site.as_ref();
        site.is_some_and(|site| site.names().any(|own| own == name))
    }

    /// Returns the names of all values that something else than the sites' template uses.
    pub(crate) fn values_beyond_site(&self) -> BTreeSet<&str> {
        let uses = uses(self).into_iter().filter(|one| one.kind != Kind::Site);
        uses.flat_map(|one| one.template.names()).collect()
    }

    /// Returns whether an endpoint has the origin of this target, and no value can change it.
    pub(crate) fn names_origin_of(&self, target: &Uri) -> bool {
        endpoints(self).any(|(_, endpoint)| {
            let origin = endpoint.fixed_origin();
            origin.is_some_and(|origin| origin.matches(target))
        })
    }

    /// Returns whether no value can move the host to a domain that the dialect does not name.
    fn is_confined(&self, template: &Template) -> bool {
        let listed = |name: &str| {
            let rules = self.values.get(name);
            rules.is_some_and(|rules| matches!(rules.pattern, ValuePattern::OneOf(_)))
        };
        template.has_fixed_domain()
            || template
                .places_in_url()
                .all(|(name, place)| place != Place::Host || listed(name))
    }
}

/// Returns all templates of a dialect.
fn uses(dialect: &Dialect) -> Vec<Use<'_>> {
    let new = |field: String, template, kind| Use {
        field,
        template,
        kind,
    };
    let site = dialect.site.iter();
    let mut uses: Vec<_> = site
        .map(|template| new("site".to_owned(), template, Kind::Site))
        .collect();
    for (at, rule) in dialect.api_origins.iter().enumerate() {
        if let ApiOriginRule::Template(template) = rule {
            uses.push(new(format!("api_origins[{at}]"), template, Kind::ApiOrigin));
        }
    }
    for (section, endpoint) in endpoints(dialect) {
        if let Endpoint::Template(template) = endpoint {
            uses.push(new(section.to_owned(), template, Kind::Endpoint));
        }
    }
    let (login, token) = (&dialect.authorization, &dialect.token);
    for (section, map, kind) in [
        ("api_headers", &dialect.api_headers, Kind::ApiHeader),
        ("authorization.fixed", &login.fixed, Kind::Parameter),
        ("token.fixed", &token.fixed, Kind::Parameter),
        ("token.code_fixed", &token.code_fixed, Kind::Parameter),
        ("token.refresh_fixed", &token.refresh_fixed, Kind::Parameter),
        ("token.headers", &token.headers, Kind::TokenHeader),
    ] {
        for (name, template) in map {
            uses.push(new(format!("{section}.{name}"), template, kind));
        }
    }
    for (name, template) in dialect.device.iter().flat_map(|rules| &rules.fixed) {
        uses.push(new(
            format!("device.fixed.{name}"),
            template,
            Kind::Parameter,
        ));
    }
    uses
}

/// Returns all endpoints and their fields.
fn endpoints(dialect: &Dialect) -> impl Iterator<Item = (&'static str, &Endpoint)> {
    let token = &dialect.token;
    let refresh = token.refresh_endpoint.as_ref();
    let device = dialect.device.as_ref().map(|rules| &rules.endpoint);
    let revocation = dialect.revocation.as_ref().map(|rules| &rules.endpoint);
    let introspection = dialect.introspection.as_ref().map(|rules| &rules.endpoint);
    [
        (
            "authorization.endpoint",
            Some(&dialect.authorization.endpoint),
        ),
        ("token.endpoint", Some(&token.endpoint)),
        ("token.refresh_endpoint", refresh),
        ("device.endpoint", device),
        ("revocation.endpoint", revocation),
        ("introspection.endpoint", introspection),
    ]
    .into_iter()
    .filter_map(|(field, endpoint)| Some((field, endpoint?)))
}
