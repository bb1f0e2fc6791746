//! Pages of keys, from one server or from all masters of a cluster.

mod answer;
mod position;

use std::mem;

use tokenkeeper_store::{Cursor, Filter, Page, StoreError, unix_millis};

use crate::RedisError;
use crate::backend::Backend;
use crate::layout::Layout;
use crate::script::{Invocation, LIST};
use crate::server::Part;
use answer::{Answer, merge};
use position::Position;

/// The longest page, and the most claims of a call, since a script blocks the whole server: with
/// this number of keys for 1.1 to 1.5 ms (Redis 7.0, 60,000 records, the fastest of 300 calls).
pub(crate) const LONGEST: usize = 200;

/// A page to read: of which listing, and after which item.
pub(crate) struct Listing {
    letter: u8,
    set: &'static str,
    before: Option<u64>,
    after: Option<Position>,
    limit: usize,
}

impl Listing {
    /// # Errors
    /// A cursor of another listing, or an unknown filter.
    pub(crate) fn new(
        filter: Filter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Self, StoreError> {
        let (letter, set, before) = match filter {
            Filter::All => (b'k', "keys", None),
            Filter::Attention => (b'a', "attention", None),
            Filter::DueBefore(time) => (b'd', "due", Some(unix_millis(time))),
            _ => return Err(StoreError::Unsupported("this filter")),
        };
        let after = match cursor {
            None => None,
            Some(cursor) => {
                let position = Position::from_bytes(cursor.as_bytes(), letter);
                Some(position.ok_or_else(|| {
                    let problem = "the cursor is not one of this listing: start over without one";
                    StoreError::other(problem)
                })?)
            }
        };
        Ok(Self {
            letter,
            set,
            before,
            after,
            limit: limit.clamp(1, LONGEST),
        })
    }

    /// Reads the page from the server, or from all masters of a cluster at the same time.
    ///
    /// # Errors
    /// No server can be read. What one of several cannot read is in the page's `unread`.
    pub(crate) async fn read(&self, backend: &Backend) -> Result<Page, StoreError> {
        let mut read = Read::default();
        self.read_parts(backend, &backend.server.parts(), &mut read)
            .await;
        let moved = mem::take(&mut read.elsewhere);
        let parts = backend.server.find(&moved).await;
        if parts.is_empty() {
            read.elsewhere = moved;
        } else {
            self.read_parts(backend, &parts, &mut read).await;
        }
        let is_read = read.buckets > 0;
        let mut page = self.page(backend, read);
        if !is_read && !page.unread.is_empty() {
            return Err(page.unread.remove(0));
        }
        Ok(page)
    }

    async fn read_parts(&self, backend: &Backend, parts: &[Part], read: &mut Read) {
        // Each server reads its share of the page, so that little is read in vain.
        let share = self.limit.div_ceil(parts.len().max(1));
        let invocation = |part: &Part| self.invocation(&backend.layout, share, &part.buckets);
        let answers = backend.server.invoke_each(parts, invocation).await;
        for (part, answer) in parts.iter().zip(answers) {
            let answer = match answer {
                Ok(answer) => Answer::parse(answer, self.before.is_some())
                    .ok_or_else(|| backend.unexpected(part, "it answered no page").into()),
                Err(fault) => Err(backend.error(fault, part)),
            };
            match answer {
                Ok(mut answer) => {
                    read.buckets += part.buckets.len() - answer.elsewhere.len();
                    read.elsewhere.append(&mut answer.elsewhere);
                    read.answers.push(answer);
                }
                Err(error) => read.unread.push(error),
            }
        }
    }

    fn page(&self, backend: &Backend, read: Read) -> Page {
        let merged = merge(read.answers, self.limit);
        let mut unread = read.unread;
        unread.extend(read.elsewhere.into_iter().map(|bucket| {
            StoreError::from(RedisError::NotReady {
                server: format!("bucket {bucket} of {}", backend.name),
                source: "its slot is moving, or no node has it".into(),
            })
        }));
        unread.extend(merged.damaged.into_iter().map(|id| {
            // As much of the id as logs show of a digest.
            let problem = format!("the record {} names no account", &id[..16]);
            StoreError::corrupt(problem)
        }));
        let cursor = |end: Position| Cursor::new(end.to_bytes(self.letter));
        Page::new(merged.keys, merged.end.map(cursor)).with_unread(unread)
    }

    fn invocation(&self, layout: &Layout, limit: usize, buckets: &[u8]) -> Invocation {
        let text = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        let after = self.after.as_ref();
        let mut arguments = vec![
            layout.prefix.clone(),
            self.set.to_owned(),
            limit.to_string(),
            text(self.before),
            text(after.map(|after| after.score)),
            text(after.map(|after| after.bucket.into())),
            after.map_or_else(String::new, |after| after.id.clone()),
        ];
        arguments.extend(buckets.iter().map(u8::to_string));
        let arguments = arguments.into_iter().map(String::into_bytes);
        Invocation::new(&LIST, Vec::new(), arguments.collect())
    }
}

/// What was read for a page.
#[derive(Default)]
struct Read {
    answers: Vec<Answer>,
    /// How many buckets these cover.
    buckets: usize,
    unread: Vec<StoreError>,
    /// The buckets that were not at the server that should have them.
    elsewhere: Vec<u8>,
}
