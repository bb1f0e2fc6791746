//! Fast hashes of small numbers.

use std::hash::Hasher;

/// A 64-bit hash.
#[derive(Clone, Copy)]
pub(crate) struct Hash64(u64);

impl Hash64 {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        let (low, high) = (product as u64, (product >> 64) as u64);
        self.0 = low.rotate_left(23) ^ high ^ 0xD6E8_FEB8_6659_FD93;
    }

    fn end(mut self) -> u64 {
        self.fold(0x1319_8A2E_0370_7344);
        self.0
    }
}

impl Default for Hash64 {
    fn default() -> Self {
        Self(0x243F_6A88_85A3_08D3)
    }
}

/// Hashes keys of tables, which are hashes already.
impl Hasher for Hash64 {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u128(&mut self, n: u128) {
        self.0 ^= n as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A 128-bit hash, made of two with different seeds, that identifies a value.
#[derive(Clone, Copy)]
pub(crate) struct Hash128([Hash64; 2]);

impl Hash128 {
    fn fold(&mut self, word: u64) {
        let [first, second] = &mut self.0;
        first.fold(word);
        second.fold(word);
    }

    pub(crate) fn key(self) -> u128 {
        let [first, second] = self.0;
        u128::from(first.end()) << 64 | u128::from(second.end())
    }
}

impl Default for Hash128 {
    fn default() -> Self {
        Self([Hash64(0x517C_C1B7_2722_0A95), Hash64(0x2545_F491_4F6C_DD1D)])
    }
}

impl Hasher for Hash128 {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u16(&mut self, n: u16) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    fn write_u128(&mut self, n: u128) {
        self.fold(n as u64);
        self.fold((n >> 64) as u64);
    }

    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.fold(n as u64);
    }

    fn finish(&self) -> u64 {
        self.0[0].end()
    }
}
