//! Domains below which anyone can register a name.

/// The second labels below which countries register names, as in `co.uk` and `com.au`.
const CATEGORIES: [&str; 17] = [
    "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or",
    "org", "sch", "web",
];

/// Returns whether `domain` can belong to one owner: it has two labels at least, and is no
/// country's `co` or `com`.
///
/// This is a guard against slips such as `*.com`, and no copy of the Public Suffix List, which
/// changes every week.
pub(crate) fn has_one_owner(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let (Some(last), Some(second)) = (labels.next(), labels.next()) else {
        return false;
    };
    let country = last.len() == 2 && CATEGORIES.contains(&second);
    let empty = domain.split('.').any(str::is_empty);
    !empty && (!country || labels.next().is_some())
}
