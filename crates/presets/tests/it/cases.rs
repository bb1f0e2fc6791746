//! The cases of a preset, in `answers/<name>.txt`: what documents or reports show.
//!
//! First the account's site and the values of the registration (`site: acme`, `value: realm main`).
//! Then cases: `> code 200`, the body, and `= ` with what it means. A line with `# ` before a case
//! says that nothing shows it.

use crate::support;

/// What a preset's file of cases says.
#[derive(Debug, Default)]
pub struct Cases {
    /// The account's site, if each tenant has its own.
    pub site: Option<String>,
    /// The names and values of the registration.
    pub values: Vec<(String, String)>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// One response or redirect, and its meaning.
#[derive(Debug)]
pub struct Case {
    /// What is read: `code`, `refresh`, `device`, `poll`, `revoke`, `redirect` or `origins`.
    pub kind: String,
    /// The status of a response.
    pub status: u16,
    /// The content type of a response.
    pub content_type: String,
    /// The body of the response, or the parameters of the redirect.
    pub body: String,
    /// The meaning.
    pub expected: String,
}

impl Cases {
    /// Reads the cases of a preset.
    pub fn of(name: &str) -> Self {
        let mut read = Self::default();
        let text = support::read(&format!("tests/it/answers/{name}.txt"));
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(site) = line.strip_prefix("site: ") {
                read.site = Some(site.to_owned());
            } else if let Some(value) = line.strip_prefix("value: ") {
                let (name, value) = value.split_once(' ').unwrap();
                read.values.push((name.to_owned(), value.to_owned()));
            } else if let Some(head) = line.strip_prefix("> ") {
                let mut body = Vec::new();
                let expected = loop {
                    let line = lines.next().expect("a case ends with `= `");
                    match line.strip_prefix("= ") {
                        Some(expected) => break expected.to_owned(),
                        None => body.push(line),
                    }
                };
                read.cases.push(Case::new(head, body.join("\n"), expected));
            } else if !line.starts_with("# ") {
                panic!("{name}: a line that is no site, value or case: {line}");
            }
        }
        read
    }
}

impl Case {
    fn new(head: &str, body: String, expected: String) -> Self {
        let mut words = head.splitn(3, ' ');
        let mut word = || words.next().map(str::to_owned);
        Self {
            kind: word().unwrap(),
            status: word().map_or(200, |status| status.parse().unwrap()),
            content_type: word().unwrap_or_else(|| "application/json".to_owned()),
            body,
            expected,
        }
    }
}
