//! The pages that a person sees: approval, login, error.

use crate::ledger::Grant;
use crate::params::Params;
use crate::registration::User;

/// Renders the authorization page.
///
/// Its buttons repeat the request with `approve=<login>` or `deny=1` added.
pub(crate) fn authorization(
    brand: &str,
    path: &str,
    client_id: &str,
    params: &Params,
    users: &[User],
) -> String {
    let hidden: String = params
        .iter()
        .filter(|(name, _)| !matches!(*name, "approve" | "deny"))
        .map(hidden)
        .collect();
    let users: String = users.iter().map(option).collect();
    let scope = params
        .value("scope")
        .map(|scope| format!("<p>Scope: <code>{}</code></p>", escape(scope)))
        .unwrap_or_default();
    document(
        &format!("{brand} (emulated)"),
        &format!(
            "<p><strong>{}</strong> asks for access to your account.</p>{scope}\
             <form method=get action=\"{}\">{hidden}\
             <p><label>Signed in as <select name=approve>{users}</select></label></p>\
             <p><button type=submit>Approve</button> \
             <button type=submit name=deny value=1>Deny</button></p></form>",
            escape(client_id),
            escape(path),
        ),
    )
}

/// Renders the page on which a person types a user code, and decides once it is known.
pub(crate) fn verification(
    path: &str,
    typed: &str,
    asked: Option<&Grant>,
    users: &[User],
) -> String {
    let path = escape(path);
    let Some(asked) = asked else {
        let unknown = match typed {
            "" => "",
            _ => "<p>No device waits with this code.</p>",
        };
        let form = format!(
            "{unknown}<form method=get action=\"{path}\"><p><label>The code that your device shows \
             <input name=user_code value=\"{}\" autocomplete=off autofocus></label> \
             <button type=submit>Continue</button></p></form>",
            escape(typed)
        );
        return document("Connect a device (emulated)", &form);
    };
    let users: String = users.iter().map(option).collect();
    let scope = asked.scope.as_deref().map(|scope| {
        let scope = escape(scope);
        format!("<p>Scope: <code>{scope}</code></p>")
    });
    document(
        "Connect a device (emulated)",
        &format!(
            "<p>Does your device show <strong>{code}</strong>? <strong>{client}</strong> asks for \
             access to your account.</p>{scope}<form method=post action=\"{path}\">{hidden}\
             <p><label>Signed in as <select name=approve>{users}</select></label></p>\
             <p><button type=submit>Approve</button> \
             <button type=submit name=deny value=1>Deny</button></p></form>",
            code = escape(typed),
            client = escape(&asked.client),
            scope = scope.unwrap_or_default(),
            hidden = hidden(("user_code", typed)),
        ),
    )
}

/// Renders a page with one sentence.
pub(crate) fn message(title: &str, text: &str) -> String {
    document(title, &format!("<p>{}</p>", escape(text)))
}

/// Renders the target of [`Fault::LoginRedirect`](crate::Fault::LoginRedirect).
pub(crate) fn login() -> String {
    document(
        "Sign in",
        "<form><label>User <input name=user></label> <button>Sign in</button></form>",
    )
}

/// Renders a page that posts these parameters to `to` at once.
pub(crate) fn form_post(to: &str, parameters: &[(&str, &str)]) -> String {
    let hidden: String = parameters.iter().map(|pair| hidden(*pair)).collect();
    document(
        "One moment",
        &format!(
            "<form method=post action=\"{}\">{hidden}\
             <noscript><button type=submit>Continue</button></noscript></form>\
             <script>document.forms[0].submit()</script>",
            escape(to),
        ),
    )
}

pub(crate) fn error(text: &str) -> String {
    message("Error", text)
}

fn option(user: &User) -> String {
    format!(
        "<option value=\"{}\">{}</option>",
        escape(&user.login),
        escape(&user.name)
    )
}

fn hidden((name, value): (&str, &str)) -> String {
    format!(
        "<input type=hidden name=\"{}\" value=\"{}\">",
        escape(name),
        escape(value)
    )
}

fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.4rem 1rem}}</style>\
         </head><body><h1>{title}</h1>{body}</body></html>"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_escaped() {
        let params = Params::parse(b"state=%22%3E%3Cscript%3E&approve=1");
        let page = authorization("B", "/a", "<c>", &params, &[User::default()]);
        assert!(
            page.contains("value=\"&quot;&gt;&lt;script&gt;\""),
            "{page}"
        );
        assert!(page.contains("&lt;c&gt;"));
        assert!(!page.contains("<input type=hidden name=\"approve\""));
    }
}
