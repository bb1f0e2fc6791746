#![doc = include_str!("../README.md")]

mod index;
mod memory;

pub use crate::memory::MemoryStore;
