//! Compression with gzip (RFC 1952).

/// Returns `body` in the format of gzip.
///
/// Its blocks are stored ones (RFC 1951 §3.2.4): what matters is that a client must decode them.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    const STORED: usize = 65_535;
    // Magic number, method, no flags, no time, no level, unknown system.
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let count = body.len().div_ceil(STORED).max(1);
    for index in 0..count {
        let block = &body[index * STORED..body.len().min((index + 1) * STORED)];
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        member.push(u8::from(index + 1 == count));
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend(block);
    }
    member.extend(crc32(body).to_le_bytes());
    // The length modulo 2^32.
    member.extend((body.len() as u32).to_le_bytes());
    member
}

/// The checksum of RFC 1952 §8.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = 0xedb8_8320 & (crc & 1).wrapping_neg();
            crc = (crc >> 1) ^ carry;
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // The check value of the CRC's catalogue.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn an_empty_body_has_one_block() {
        let empty = gzip(b"");
        assert_eq!(empty[10..], [1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
