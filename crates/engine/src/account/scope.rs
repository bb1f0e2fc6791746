//! The account of all requests that are sent within a future.

use super::Account;

tokio::task_local! {
    static SCOPE: Account;
}

impl Account {
    /// Runs a future whose requests are sent for this account: for clients whose typed calls carry
    /// no extensions.
    ///
    /// A front that chooses the account of each request, such as `TokenLayer::per_request`, takes
    /// the one in the request's extensions, or else that of the innermost scope. A front of one
    /// account does not look at scopes.
    ///
    /// A request to another provider's API fails as one without an account does. A layer above the
    /// front that sends a request again, such as a retry, takes the scope of that moment.
    ///
    /// A scope is a task-local value, and holds while the future is polled. Another task does not
    /// see it: neither one that is spawned within the future, nor the worker of a
    /// `tower::buffer::Buffer`, which calls the services below it. Spawn
    /// `account.scope(future)`, and place the front above the buffer. Where a client puts a buffer
    /// above all layers, as octocrab and kube do, use a client per account instead.
    ///
    /// ```
    /// use tokenkeeper_engine::Account;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let accounts = tokenkeeper_test_support::World::amiqus().accounts;
    /// # async fn typed_call() -> Account {
    /// #     Account::current().expect("the call is in a scope")
    /// # }
    /// let alice = accounts.account("amiqus", "alice")?;
    /// let bob = accounts.account("amiqus", "bob")?;
    ///
    /// // The call sends its requests with Alice's token.
    /// assert_eq!(alice.scope(typed_call()).await, alice);
    ///
    /// // The innermost scope decides. A spawned task needs its own.
    /// let calls = async {
    ///     assert_eq!(bob.scope(typed_call()).await, bob);
    ///     let spawned = tokio::spawn(bob.scope(typed_call()));
    ///     (typed_call().await, spawned.await)
    /// };
    /// let (direct, spawned) = alice.scope(calls).await;
    /// assert_eq!((direct, spawned?), (alice, bob));
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// That of the future.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        SCOPE.scope(self.clone(), future)
    }

    /// Returns the account of the innermost [`scope`](Self::scope) around the caller, if any.
    ///
    /// A layer above a buffer can put it into the extensions of a request that has no account
    /// there, where it reaches the layers below.
    #[must_use]
    pub fn current() -> Option<Self> {
        SCOPE.try_with(Clone::clone).ok()
    }
}
