//! What a program writes to stdin. It may hold secrets: no copy outlives its use, and no error
//! shows any of it.

use std::{
    fmt,
    io::{self, Read},
};

use zeroize::Zeroizing;

use crate::{BoxError, signal};

/// A multiple of the buffer of stdin, which then keeps no copy.
const FIRST_CAPACITY: usize = 16 * 1024;

/// Why an input cannot be used, as the end of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is longer than {0}")]
    TooLong(Size),
    #[error("is not UTF-8")]
    NotText,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEBI: usize = 1024 * 1024;
        match self.0 % MEBI {
            0 => write!(f, "{} MiB", self.0 / MEBI),
            _ => write!(f, "{} KiB", self.0 / 1024),
        }
    }
}

/// Reads stdin to its end, which may have this many bytes, unless a signal comes first.
pub(crate) async fn read(
    max: usize,
    explain: impl FnOnce(InputError) -> BoxError,
) -> Result<Zeroizing<String>, BoxError> {
    let read = signal::interruptible(move || read_from(io::stdin().lock(), max)).await?;
    read.map_err(explain)
}

/// Reads a text to its end, which may have this many bytes.
pub(crate) fn read_from(mut from: impl Read, max: usize) -> Result<Zeroizing<String>, InputError> {
    let mut bytes = Zeroizing::new(vec![0; FIRST_CAPACITY]);
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            // A vector that grows on its own leaves copies behind.
            let mut larger = Zeroizing::new(vec![0; 2 * filled]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        match from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if filled > max {
            return Err(InputError::TooLong(Size(max)));
        }
    }
    match str::from_utf8(&bytes[..filled]) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(InputError::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_whole_up_to_its_limit() {
        for length in [0, 1, FIRST_CAPACITY, FIRST_CAPACITY + 1, 64 * 1024] {
            let text = "x".repeat(length);
            let read = read_from(text.as_bytes(), 64 * 1024).unwrap();
            assert_eq!(*read, text);
        }
        for (max, shown) in [(64 * 1024, "64 KiB"), (1024 * 1024, "1 MiB")] {
            let error = read_from("x".repeat(max + 1).as_bytes(), max).unwrap_err();
            assert_eq!(error.to_string(), format!("is longer than {shown}"));
        }
        let error = read_from(&b"secret\xff"[..], 100).unwrap_err();
        assert_eq!(error.to_string(), "is not UTF-8");
    }
}
