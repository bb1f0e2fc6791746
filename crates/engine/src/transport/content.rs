//! Content codings of responses (RFC 9110 §8.4.1).
//!
//! No request asks for one, but some servers and proxies compress anyway, and the tokens must not
//! be lost.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{
    Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use tokenkeeper_protocol::MAX_TOKEN_RESPONSE;

use super::TransportError;

/// Decodes the body. One with another coding, or a damaged one, stays as it is: the reader of the
/// response reports it.
///
/// # Errors
/// [`TransportError::TooLarge`] if the decoded body is over the bound.
pub(crate) fn decode(mut response: Response<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let body = response.body();
    let decoded = match Coding::of(&response) {
        Some(Coding::Gzip) => read(MultiGzDecoder::new(&**body)),
        // RFC 9110 §8.4.1.2: some servers leave out the zlib wrapper.
        Some(Coding::Deflate) => {
            read(ZlibDecoder::new(&**body)).or_else(|_| read(DeflateDecoder::new(&**body)))
        }
        None => return Ok(response),
    };
    match decoded {
        Ok(decoded) if decoded.len() > MAX_TOKEN_RESPONSE => Err(TransportError::TooLarge),
        Ok(decoded) => {
            *response.body_mut() = decoded;
            response.headers_mut().remove(CONTENT_ENCODING);
            response.headers_mut().remove(CONTENT_LENGTH);
            Ok(response)
        }
        Err(_) => Ok(response),
    }
}

/// A coding that is decoded.
#[derive(Clone, Copy, Debug)]
enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// Returns the one coding of the body. What the body begins with counts more than the header:
    /// a proxy may change one without the other.
    fn of(response: &Response<Bytes>) -> Option<Self> {
        const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
        if response.body().starts_with(GZIP_MAGIC) {
            return Some(Self::Gzip);
        }
        let header = response.headers().get(CONTENT_ENCODING)?;
        let is_deflate = header.as_bytes().eq_ignore_ascii_case(b"deflate");
        is_deflate.then_some(Self::Deflate)
    }
}

/// Reads at most one byte more than the bound.
fn read(decoder: impl Read) -> io::Result<Bytes> {
    let mut decoded = Vec::new();
    let mut bounded = decoder.take(MAX_TOKEN_RESPONSE as u64 + 1);
    bounded.read_to_end(&mut decoded)?;
    Ok(decoded.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = br#"{"access_token":"a","refresh_token":"r"}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn response(encoding: &str, body: impl Into<Bytes>) -> Response<Bytes> {
        let mut response = Response::new(body.into());
        if !encoding.is_empty() {
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        response
    }

    #[test]
    fn compressed_bodies_are_decoded() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).unwrap();
        let two_members = [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat();
        for (encoding, body) in [
            ("gzip", gzip(TEXT)),
            ("x-gzip", gzip(TEXT)),
            ("GZIP", gzip(TEXT)),
            ("identity, gzip", gzip(TEXT)),
            ("", gzip(TEXT)),
            ("gzip", two_members),
            ("deflate", zlib.finish().unwrap()),
            ("Deflate", raw.finish().unwrap()),
        ] {
            let decoded = decode(response(encoding, body)).unwrap();
            assert_eq!(decoded.body(), TEXT, "{encoding}");
            assert!(!decoded.headers().contains_key(CONTENT_ENCODING));
        }
    }

    #[test]
    fn other_bodies_stay_as_they_are() {
        let mut cut = gzip(TEXT);
        cut.truncate(20);
        for (encoding, body) in [
            ("", TEXT.to_vec()),
            ("gzip", TEXT.to_vec()),
            ("gzip", cut),
            ("deflate", b"\xff\xff\xff".to_vec()),
            ("br", b"\x0b\x02\x80{}\x03".to_vec()),
            ("", Vec::new()),
        ] {
            let decoded = decode(response(encoding, body.clone())).unwrap();
            assert_eq!(decoded.body(), &body, "{encoding}");
            let kept = decoded.headers().contains_key(CONTENT_ENCODING);
            assert_eq!(kept, !encoding.is_empty());
        }
    }

    #[test]
    fn the_bound_is_that_of_the_decoded_body() {
        let full = gzip(&vec![b' '; MAX_TOKEN_RESPONSE]);
        assert!(decode(response("gzip", full)).is_ok());
        let bomb = gzip(&vec![b' '; 100 * MAX_TOKEN_RESPONSE]);
        assert!(bomb.len() < MAX_TOKEN_RESPONSE);
        let large = decode(response("gzip", bomb));
        assert!(matches!(large, Err(TransportError::TooLarge)), "{large:?}");
    }
}
