//! The corpus, and some thousands of numbered cases, as ordinary tests.

use oxitel_fuzz::{Case, Codec, case, check, check_spool, spool_case};
use std::fs;
use std::path::Path;

#[test]
fn every_case_of_the_corpus_holds_for_every_codec() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/propagators");
    let mut headers = 0;
    for file in fs::read_dir(folder).expect("there is a corpus") {
        let path = file.expect("readable").path();
        let Ok(case) = fs::read_to_string(&path).expect("text").parse::<Case>();
        headers += case.0.len();
        for codec in Codec::HEADERS {
            assert_eq!(check(codec, &case), Ok(()), "{} as {codec:?}", path.display());
        }
    }
    assert!(headers > 40, "{headers} headers: the corpus was found and read");
}

#[test]
fn every_request_of_the_corpus_becomes_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/json");
    let mut requests = 0;
    for file in fs::read_dir(folder).expect("there is a corpus") {
        let path = file.expect("readable").path();
        let Ok(case) = fs::read_to_string(&path).expect("text").parse::<Case>();
        requests += case.0.len();
        assert_eq!(check(Codec::Json, &case), Ok(()), "{}", path.display());
    }
    assert!(requests > 10, "{requests} requests: the corpus was found and read");
}

#[test]
fn some_thousands_of_numbered_cases_hold() {
    for codec in Codec::ALL {
        for seed in 0..3000 {
            assert_eq!(check(codec, &case(codec, seed)), Ok(()), "{codec:?} {seed}");
        }
    }
}

#[test]
fn a_number_makes_the_same_case_every_time_and_cases_differ() {
    assert_eq!(case(Codec::All, 7), case(Codec::All, 7));
    assert_ne!(case(Codec::All, 7), case(Codec::All, 8));
}

#[test]
fn cases_are_neither_all_valid_nor_all_broken() {
    for codec in Codec::HEADERS {
        let read = |seed| {
            let incoming = codec.propagators().extract(&case(codec, seed).0);
            incoming.span_context().is_valid() || !incoming.baggage().is_empty()
        };
        let understood = (0..1000).filter(|seed| read(*seed)).count();
        assert!((200..990).contains(&understood), "{codec:?}: {understood} of 1000 are understood");
    }
}

#[test]
fn some_thousands_of_numbered_spool_files_hold() {
    for seed in 0..20_000 {
        assert_eq!(check_spool(&spool_case(seed)), Ok(()), "{seed}");
    }
}
