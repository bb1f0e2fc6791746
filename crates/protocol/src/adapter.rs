//! The shell of a provider that is data: a named type around a [`Client`](crate::Client).

/// Declares a type that implements [`Provider`](crate::Provider) by a dialect.
///
/// The type holds a [`Client`](crate::Client) in its field `client`. The expression after `=` makes
/// the [`Dialect`](crate::Dialect), as a `Result`. The type gets the methods `new`, `base` and
/// `adjust`. It may have further fields, which start with their default. A provider's options are
/// further methods, in an `impl` block next to the macro.
///
/// ```
/// use tokenkeeper_protocol::{Dialect, Error, Pkce, Provider, Registration, adapter};
///
/// adapter! {
///     /// Example, at `https://login.example.com`.
///     pub struct Example = Dialect::rfc6749("example", "https://login.example.com");
/// }
///
/// impl Example {
///     /// Switches PKCE off.
///     ///
///     /// # Errors
///     /// As [`adjust`](Self::adjust).
///     pub fn without_pkce(self) -> Result<Self, Error> {
///         self.adjust(|dialect| dialect.authorization.pkce = Pkce::Off)
///     }
/// }
///
/// let registration = Registration::new("id", "https://app.example/cb").secret("s3cr3t");
/// let provider = Example::new(registration)?.without_pkce()?.base("http://127.0.0.1:8080")?;
/// assert_eq!(provider.brand(), "example");
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! adapter {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident
        $({ $($field:ident: $type:ty),* $(,)? })? = $dialect:expr;
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $visibility struct $name {
            client: $crate::Client,
            $($($field: $type,)*)?
        }

        impl $name {
            /// Makes the provider of an application that is registered there.
            ///
            /// # Errors
            /// As [`Dialect::with`](tokenkeeper_protocol::Dialect::with), which checks the
            /// registration.
            pub fn new(registration: $crate::Registration) -> Result<Self, $crate::Error> {
                Ok(Self {
                    client: $dialect?.with(registration)?,
                    $($($field: <$type>::default(),)*)?
                })
            }

            /// Moves the provider to another origin: a sandbox, another installation, an emulator.
            ///
            /// # Errors
            /// [`Origin`](tokenkeeper_protocol::Error::Origin) unless it is https, or http on
            /// loopback.
            pub fn base(mut self, origin: &str) -> Result<Self, $crate::Error> {
                self.client = self.client.base(origin)?;
                Ok(self)
            }

            /// Changes the dialect, which is then checked again.
            ///
            /// # Errors
            /// As [`Dialect::with`](tokenkeeper_protocol::Dialect::with).
            pub fn adjust(
                mut self,
                change: impl FnOnce(&mut $crate::Dialect),
            ) -> Result<Self, $crate::Error> {
                self.client = self.client.adjust(change)?;
                Ok(self)
            }
        }

        impl $crate::Provider for $name {
            fn client(&self) -> &$crate::Client {
                &self.client
            }
        }
    };
}
