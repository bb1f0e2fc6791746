//! Secrets as newtypes over strings: wiped when dropped, redacted in `Debug`, compared in constant
//! time.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Wiped when dropped. `Debug` prints `[redacted]`; `==` runs in constant time for secrets
        /// of equal length.
        #[derive(Clone)]
        pub struct $name(Zeroizing<Box<str>>);

        impl $name {
            /// Takes the secret. A `String` is moved, not copied, if its capacity equals its
            /// length.
            #[must_use]
            pub fn new(secret: impl Into<String>) -> Self {
                Self(Zeroizing::new(secret.into().into_boxed_str()))
            }

            /// Returns the secret, which does not belong in logs, errors or URLs.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[redacted]")
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
            }
        }

        impl Eq for $name {}
    };
}

secret!(
    /// A refresh token (RFC 6749 §1.5): presented at the token endpoint for the next token set. At
    /// many providers it works once.
    RefreshToken
);
secret!(
    /// A client secret (RFC 6749 §2.3.1): the client's password at the token endpoint.
    ClientSecret
);
secret!(
    /// An authorization code (RFC 6749 §1.3.1): comes with the redirect, and is exchanged once.
    AuthorizationCode
);
secret!(
    /// A device code (RFC 8628 §3.2): presented again and again until the person has decided.
    DeviceCode
);
secret!(
    /// A code verifier of PKCE (RFC 7636 §4.1): kept in the flow, sent at the code exchange.
    CodeVerifier
);
secret!(
    /// A state (RFC 6749 §10.12): binds a redirect to the flow that started it.
    State
);

impl State {
    /// Makes a state of 192 random bits, in base64url.
    #[must_use]
    pub fn random() -> Self {
        Self::new(random_base64url::<24>())
    }
}

impl CodeVerifier {
    /// Makes a verifier of 256 random bits in base64url: the 43 characters that RFC 7636 §4.1
    /// recommends.
    #[must_use]
    pub fn random() -> Self {
        Self::new(random_base64url::<32>())
    }

    /// Returns the `S256` code challenge (RFC 7636 §4.2), which the authorization request carries.
    #[must_use]
    pub fn code_challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose().as_bytes()))
    }
}

fn random_base64url<const N: usize>() -> String {
    let mut bytes = Zeroizing::new([0_u8; N]);
    getrandom::fill(bytes.as_mut_slice())
        .expect("a supported operating system provides random bytes");
    URL_SAFE_NO_PAD.encode(bytes.as_slice())
}
