//! Headers, requests of OTLP and spool files that nobody meant to write: cases made from valid
//! ones by mutation, and what must hold for each.
//!
//! A case follows from a codec and a number alone, so the number is all that has to be kept to
//! see it again. `fuzz/corpus` has cases in files; a test replays them, so that what was found
//! once stays found.

mod case;
mod check;
mod mutate;
mod random;
mod requests;
mod spool;
mod valid;

pub use case::{Case, Codec};
pub use check::check;
pub use spool::{SpoolCase, check_spool, spool_case};

/// The case of this number.
pub fn case(codec: Codec, seed: u64) -> Case {
    let mut random = random::Random::new(seed);
    if codec == Codec::Json {
        return requests::request(&mut random);
    }
    let mut case = valid::headers(codec, &mut random);
    mutate::mutate(&mut case, &mut random);
    case
}
