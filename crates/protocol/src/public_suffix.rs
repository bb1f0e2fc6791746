//! Domains below which anyone can register a name.

/// The second labels below which countries register names, as in `co.uk` and `com.au`.
const CATEGORIES: [&str; 17] = [
    "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or",
    "org", "sch", "web",
];

/// The domains below which hosting platforms give names to anyone. A `*` is one label.
///
/// These are the platforms where APIs are likely to run, from the private section of the Public
/// Suffix List.
const PLATFORMS: [&str; 47] = [
    "*.cloudapp.azure.com",
    "*.digitaloceanspaces.com",
    "*.elasticbeanstalk.com",
    "*.elb.amazonaws.com",
    "*.run.app",
    "amplifyapp.com",
    "appspot.com",
    "azure-api.net",
    "azurecontainerapps.io",
    "azureedge.net",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blob.core.windows.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "cloudfunctions.net",
    "deno.dev",
    "digitaloceanspaces.com",
    "elasticbeanstalk.com",
    "elb.amazonaws.com",
    "execute-api.*.amazonaws.com",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "lambda-url.*.on.aws",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "ondigitalocean.app",
    "onrender.com",
    "pages.dev",
    "r2.dev",
    "run.app",
    "s3.*.amazonaws.com",
    "s3.amazonaws.com",
    "storage.googleapis.com",
    "trafficmanager.net",
    "trycloudflare.com",
    "up.railway.app",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Returns whether `domain` is one of the platforms.
fn is_platform(domain: &str) -> bool {
    PLATFORMS.iter().any(|platform| {
        let mut labels = domain.split('.');
        let fits = |own| {
            labels
                .next()
                .is_some_and(|label| own == "*" || own == label)
        };
        platform.split('.').all(fits) && labels.next().is_none()
    })
}

/// Returns whether `domain` can belong to one owner: it has two labels at least, and is no
/// country's `co` or `com` and no hosting platform.
///
/// This is a guard against slips such as `*.com`, and no copy of the Public Suffix List, which
/// changes every week.
pub(crate) fn has_one_owner(domain: &str) -> bool {
    if is_platform(domain) {
        return false;
    }
    let mut labels = domain.rsplit('.');
    let (Some(last), Some(second)) = (labels.next(), labels.next()) else {
        return false;
    };
    let country = last.len() == 2 && CATEGORIES.contains(&second);
    let empty = domain.split('.').any(str::is_empty);
    !empty && (!country || labels.next().is_some())
}
