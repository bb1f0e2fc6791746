//! A file of JSON lines.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError, TryLockError},
};

use async_trait::async_trait;

use super::{AuditSink, entry::AuditEntry};
use crate::store::BoxError;

/// A sink that writes one line of JSON for each entry, and flushes it.
///
/// Writes run on threads for blocking work, so a slow disk stops no task. If a write fails in the
/// middle of a line, as on a full disk, the next attempt goes on where it ended: no line is torn.
///
/// ```
/// use tokenkeeper_engine::{Actor, JsonLines, protocol::TokenSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let world = tokenkeeper_test_support::World::amiqus();
/// # let path = std::env::temp_dir().join(format!("audit-doc-{}.jsonl", std::process::id()));
/// # let accounts = world.builder().audit(JsonLines::append(&path)?).build()?;
/// // With `Accounts::builder(store).audit(JsonLines::append(&path)?)`:
/// let account = accounts.account("amiqus", "user-42")?;
/// account.adopt(TokenSet::new("access-1")).await?;
/// accounts.shutdown(std::time::Duration::from_secs(10)).await?;
///
/// let trail = std::fs::read_to_string(&path)?;
/// assert!(trail.contains(r#""event":"adopted","provider":"amiqus""#));
/// # std::fs::remove_file(&path)?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct JsonLines(Arc<Mutex<Lines>>);

/// The writer, and the rest of a line that it took only in part.
struct Lines {
    writer: Box<dyn Write + Send>,
    /// The sequence number of the entry, and what is left of its line.
    rest: Option<(u64, Vec<u8>)>,
}

impl JsonLines {
    /// Appends to a file, which is created for its owner only (mode 0600).
    ///
    /// # Errors
    /// As those of opening a file, and [`io::ErrorKind::PermissionDenied`] if the path is not a
    /// regular file or, on Unix, if others may read or write it.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = path.as_ref();
        check_link(path)?;
        let file = options.open(path)?;
        check(&file)?;
        Ok(Self::over(file))
    }

    /// Writes to `writer`, which is flushed after each line.
    pub fn over(writer: impl Write + Send + 'static) -> Self {
        let writer = Box::new(writer);
        Self(Arc::new(Mutex::new(Lines { writer, rest: None })))
    }
}

/// Refuses a symbolic link, which another user may have planted.
fn check_link(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => Err(denied("it is a symbolic link")),
        _ => Ok(()),
    }
}

/// Refuses what is no file, and a file that others may read or write.
fn check(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(denied("it is not a regular file"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0 {
        return Err(denied("others may read or write it: set its mode to 0600"));
    }
    Ok(())
}

fn denied(reason: &str) -> io::Error {
    let text = format!("the file of the audit trail is refused: {reason}");
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

impl Lines {
    fn write(&mut self, sequence: u64, line: String) -> io::Result<()> {
        // The rest of another entry's line ends that line first.
        if self
            .rest
            .as_ref()
            .is_some_and(|(rest, _)| *rest != sequence)
        {
            self.drain()?;
        }
        self.rest.get_or_insert_with(|| {
            let mut line = line.into_bytes();
            line.push(b'\n');
            (sequence, line)
        });
        self.drain()
    }

    /// Writes what is left of a line, and flushes it.
    fn drain(&mut self) -> io::Result<()> {
        let Some((_, rest)) = &mut self.rest else {
            return Ok(());
        };
        while !rest.is_empty() {
            match self.writer.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(rest.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.writer.flush()?;
        self.rest = None;
        Ok(())
    }
}

#[async_trait]
impl AuditSink for JsonLines {
    async fn write(&self, entry: &AuditEntry) -> Result<(), BoxError> {
        let (lines, sequence, line) = (self.0.clone(), entry.sequence, entry.to_json());
        let write = tokio::task::spawn_blocking(move || match lines.try_lock() {
            Ok(mut lines) => lines.write(sequence, line),
            Err(TryLockError::Poisoned(error)) => {
                let error: PoisonError<_> = error;
                error.into_inner().write(sequence, line)
            }
            // Another thread must not wait for the same disk.
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "an earlier write to the audit trail has not returned",
            )),
        });
        Ok(write.await??)
    }
}

/// It does not show what was written.
impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}
