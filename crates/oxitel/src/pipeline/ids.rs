//! Random identifiers: one generator per thread, seeded by the operating system.
//!
//! The seed is never derived from another thread's or the parent process's state: generators
//! stepped from a common origin were seen to repeat each other's ids.

use std::hash::{BuildHasher, RandomState};

/// Wyrand: two multiplications' worth of work for 64 good bits.
#[inline(always)]
pub(crate) fn next(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0xa076_1d64_78bd_642f);
    let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
    (state, ((product >> 64) ^ product) as u64)
}

/// A fresh seed from the operating system.
#[cold]
pub(crate) fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    #[cfg(target_os = "linux")]
    // SAFETY: the buffer is valid for its length; the flag makes the call return at once.
    unsafe {
        let filled = libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK);
        if filled == 8 {
            return u64::from_ne_bytes(bytes);
        }
    }
    // Early boot, or another system: the standard library's seed, told apart by process and time.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos() as u64);
    bytes = (now ^ (u64::from(std::process::id()) << 32)).to_ne_bytes();
    RandomState::new().hash_one(bytes)
}
