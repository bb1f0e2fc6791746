//! Who asked for an operation, as the application names it.

use std::{fmt, sync::Arc};

tokio::task_local! {
    static ACTOR: Actor;
}

/// Who asked for an operation, in the words of the application: a name that its front chooses, for
/// the [audit trail](crate::Audit).
///
/// Operations within [`scope`](Self::scope) carry it. A refresh has the actor whose call started
/// it; what the engine does on its own account, as in a [`Refresher`](crate::Refresher), has none.
///
/// It is written into the trail as it is. Choose a name that says no more about a person than the
/// trail may hold.
///
/// ```
/// use tokenkeeper_engine::{Actor, Audit, audit_channel, protocol::TokenSet};
/// use futures_util::StreamExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokenkeeper_engine::Error> {
/// # let world = tokenkeeper_test_support::World::amiqus();
/// let (sink, mut entries) = audit_channel(16);
/// # let accounts = world.builder().audit(sink).build()?;
/// let account = accounts.account("amiqus", "user-42")?;
/// let clerk = Actor::new("clerk-7");
/// clerk.scope(account.adopt(TokenSet::new("access-1"))).await?;
///
/// let entry = entries.next().await.expect("the engine runs");
/// assert_eq!(entry.actor.as_ref().map(Actor::as_str), Some("clerk-7"));
/// assert_eq!(entry.kind.name(), "adopted");
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Actor(Arc<str>);

/// The longest name of an actor in bytes.
const MAX_BYTES: usize = 256;

impl Actor {
    /// Names an actor. A name of more than 256 bytes is cut.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(MAX_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self(name[..end].into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Polls `future` on behalf of this actor. What it spawns as other tasks is not included.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        ACTOR.scope(self, future).await
    }

    /// Calls `operation` on behalf of this actor, for one that is no future, such as
    /// [`Account::connect`](crate::Account::connect).
    pub fn sync_scope<R>(self, operation: impl FnOnce() -> R) -> R {
        ACTOR.sync_scope(self, operation)
    }

    /// Returns the actor on whose behalf the caller runs.
    pub(crate) fn current() -> Option<Self> {
        ACTOR.try_with(Clone::clone).ok()
    }
}

/// It does not show the name, which may be that of a person.
impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Actor(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(Actor::new("clerk-7").as_str(), "clerk-7");
        let long = "é".repeat(200);
        assert_eq!(Actor::new(&long).as_str(), "é".repeat(128));
        let odd = format!("x{long}");
        assert_eq!(Actor::new(&odd).as_str().len(), 255);
    }

    #[test]
    fn an_inner_scope_wins_and_ends() {
        let name = || Actor::current().map(|actor| actor.as_str().to_owned());
        assert_eq!(name(), None);
        let inner = Actor::new("outer").sync_scope(|| {
            let inner = Actor::new("inner").sync_scope(name);
            (inner, name())
        });
        assert_eq!(inner, (Some("inner".to_owned()), Some("outer".to_owned())));
        assert_eq!(name(), None);
    }
}
