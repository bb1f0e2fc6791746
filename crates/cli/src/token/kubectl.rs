//! The exec credential of Kubernetes clients:
//! <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>.

use std::{env, process::ExitCode};

use http::Uri;
use serde::{Deserialize, Serialize};
use tokenkeeper::Account;

use super::{Arguments, Reach};
use crate::{BoxError, exit::misconfigured, output, time};

/// The variable in which a client describes its call.
const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// Prints the credential in the version that the client asks for.
///
/// If the client names its cluster (`provideClusterInfo`), it must be of the account's provider.
pub(super) async fn run(arguments: &Arguments, account: &Account) -> Result<ExitCode, BoxError> {
    let call = match env::var(VARIABLE) {
        Ok(text) => Call::parse(&text)?,
        Err(env::VarError::NotPresent) => Call::default(),
        Err(_) => return Err(malformed("is not UTF-8")),
    };
    if let Some(cluster) = call.server()? {
        let reach = Reach::of(account);
        if !reach.has(&cluster).await? {
            let origins = reach.origins().join(", ");
            return Err(misconfigured(format!(
                "the cluster {cluster} is not of {}, whose token goes to {origins} only",
                arguments.account
            ))
            .into());
        }
    }
    let fresh = arguments.fresh(account).await?;
    output::json(&ExecCredential {
        api_version: &call.api_version,
        kind: "ExecCredential",
        status: Status {
            token: fresh.token.expose(),
            expiration: fresh.token.expires_at().map(time::rfc3339),
        },
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the client reads.
#[derive(Serialize)]
struct ExecCredential<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'static str,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    token: &'a str,
    #[serde(
        rename = "expirationTimestamp",
        skip_serializing_if = "Option::is_none"
    )]
    expiration: Option<String>,
}

/// What the client says of its call.
#[derive(Debug, Deserialize)]
struct Call {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
struct Spec {
    cluster: Option<Cluster>,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    server: String,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            api_version: V1.to_owned(),
            kind: "ExecCredential".to_owned(),
            spec: Spec::default(),
        }
    }
}

impl Call {
    fn parse(text: &str) -> Result<Self, BoxError> {
        let call: Self =
            serde_json::from_str(text).map_err(|_| malformed("is no ExecCredential"))?;
        if call.kind != "ExecCredential" {
            return Err(malformed("is no ExecCredential"));
        }
        if ![V1, V1BETA1].contains(&&*call.api_version) {
            return Err(malformed(&format!("is neither {V1} nor {V1BETA1}")));
        }
        Ok(call)
    }

    fn server(&self) -> Result<Option<Uri>, BoxError> {
        let Some(cluster) = &self.spec.cluster else {
            return Ok(None);
        };
        match cluster.server.parse() {
            Ok(url) => Ok(Some(url)),
            Err(_) => Err(malformed("names no valid server")),
        }
    }
}

fn malformed(problem: &str) -> BoxError {
    misconfigured(format!("{VARIABLE} {problem}; no token was printed")).into()
}

#[cfg(test)]
mod tests {
    use super::{Call, V1BETA1};

    #[test]
    fn a_call_names_a_known_version() {
        let beta = format!(r#"{{"apiVersion":"{V1BETA1}","kind":"ExecCredential","spec":{{}}}}"#);
        let call = Call::parse(&beta).unwrap();
        assert!(call.server().unwrap().is_none());
        for text in [
            "".to_owned(),
            "[]".to_owned(),
            beta.replace("v1beta1", "v1alpha1"),
            beta.replace("ExecCredential", "Pod"),
        ] {
            assert!(Call::parse(&text).is_err(), "{text}");
        }
    }
}
