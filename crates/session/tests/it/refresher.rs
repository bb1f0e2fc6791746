//! The refresher: what it keeps fresh and alive, how it shares the work, and what it leaves alone.

mod fleet;
mod simulation;
