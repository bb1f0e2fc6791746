//! Kinds that differ in their API.

use tokenkeeper_emulator::{ApiCredential, DEFAULT_CLIENT_ID, PlainOptions};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let options = PlainOptions::default;
    vec![
        Kind::new(
            "a custom scheme",
            options().api_credential(ApiCredential::Scheme("Zoho-oauthtoken".to_owned())),
            "attach = { scheme = 'Zoho-oauthtoken' }",
        ),
        Kind::new(
            "a header",
            options().api_credential(ApiCredential::Header("x-access-token".to_owned())),
            "attach = { header = 'x-access-token' }",
        ),
        Kind::new(
            "a parameter of the query",
            options().api_credential(ApiCredential::Query("auth".to_owned())),
            "attach = { query = 'auth' }",
        ),
        Kind::new(
            "constant headers",
            options()
                .require_api_header("Notion-Version", "2022-06-28")
                .require_api_header("x-api-key", DEFAULT_CLIENT_ID)
                .require_api_header("developer-token", "d3v"),
            "
            api_headers = { Notion-Version = '2022-06-28', x-api-key = '{client_id}', \
                developer-token = '{developer_token}' }
            values.developer_token = { pattern = 'text' }
            ",
        )
        .register(|registration| registration.value("developer_token", "d3v")),
        Kind::new(
            "an API on another host",
            options().api_server("https://api.example.org"),
            "api_origins = ['https://api.example.org']",
        ),
        Kind::new(
            "an API on any host below a domain",
            options().api_server("https://mail.apis.example.org"),
            "api_origins = ['https://*.apis.example.org']",
        ),
        Kind::new(
            "an API on the tenant's host",
            options().api_server("https://acme.api.example.org"),
            "
            api_origins = ['https://{tenant}.api.example.org']
            values.tenant = { pattern = 'label' }
            ",
        )
        .register(|registration| registration.value("tenant", "ACME")),
        Kind::new(
            "an API that the answer tells",
            options()
                .api_server("https://eu1.example.org")
                .api_server_in_answer("instance_url"),
            "api_origins_from = [{ field = 'instance_url', below = ['example.org'] }]",
        ),
        Kind::new(
            "an API that the redirect tells",
            options()
                .api_server("https://eu1.example.org")
                .api_server_in_redirect("api_domain"),
            "api_origins_from = [{ parameter = 'api_domain', below = ['example.org'] }]",
        ),
        Kind::new(
            "an API whose region the answer tells",
            options()
                .api_server("https://us6.api.example.org")
                .code_member("dc", "us6"),
            "api_origins_from = [{ field = 'dc', template = 'https://{value}.api.example.org' }]",
        ),
    ]
}
