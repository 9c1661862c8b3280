//! When frames begin to show themselves in the API's Context, and when they do not.

use crate::harness::{FRONT_ENDS, Run, SCOPE, current, d, header_of, o, parents, span, t};
use futures_util::FutureExt as _;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{TraceContextExt, Tracer as _, TracerProvider as _};
use oxitel::bridge::Activation;
use oxitel::bridge::opentelemetry::TracerProvider;

/// Whether the API sees the spans that other APIs make current.
fn shows() -> bool {
    let of_tracing = span("seen or not").in_scope(|| Context::current().has_active_span());
    let direct = SCOPE.enter("seen or not");
    assert_eq!(of_tracing, Context::current().has_active_span(), "both or none");
    drop(direct);
    of_tracing
}

fn each_front_end(activation: Activation, test: impl Fn(&Run)) {
    for front_end in FRONT_ENDS {
        let run = Run::with(front_end, activation, |config| config);
        run.program(|| test(&run));
    }
}

#[test]
fn without_use_of_the_api_automatic_activation_does_not_begin() {
    each_front_end(Activation::Auto, |run| {
        assert!(!shows());
        // Ours: nobody asks the API.
        oxitel::propagate::inject(|_, _| {});
        drop(oxitel::context::capture().attach());
        assert!(!shows(), "{}", run.title());
    });
}

#[test]
fn automatic_activation_begins_when_somebody_takes_a_tracer() {
    each_front_end(Activation::Auto, |run| {
        drop(opentelemetry::global::tracer("library"));
        assert!(shows(), "{}", run.title());
    });
}

#[test]
fn automatic_activation_begins_with_a_provider_that_is_not_global() {
    each_front_end(Activation::Auto, |run| {
        let _ = TracerProvider::new().tracer("library");
        assert!(shows(), "{}", run.title());
    });
}

#[test]
fn automatic_activation_begins_when_somebody_uses_the_global_propagator() {
    each_front_end(Activation::Auto, |run| {
        let _ = header_of(&Context::current());
        assert!(shows(), "{}", run.title());
    });
    each_front_end(Activation::Auto, |run| {
        let headers = std::collections::HashMap::<String, String>::new();
        let _ = opentelemetry::global::get_text_map_propagator(|ours| ours.extract(&headers));
        assert!(shows(), "{}", run.title());
    });
}

#[test]
fn activation_that_is_on_needs_no_use_and_one_that_is_off_stays_off() {
    each_front_end(Activation::On, |run| assert!(shows(), "{}", run.title()));
    each_front_end(Activation::Off, |run| {
        o("used");
        let _ = header_of(&Context::current());
        assert!(!shows(), "{}", run.title());
    });
}

/// The first use of the API while a frame is open, then the same once more.
#[test]
fn a_first_use_inside_an_open_frame_is_right_in_the_tree_and_exact_from_then_on() {
    each_front_end(Activation::Auto, |run| {
        let round = || {
            let _outer = span("T").entered();
            o("o");
            t("t");
            d("d");
            drop(crate::harness::tracer().start_with_context("cut", &Context::new()));
            let spawned = async { t("spawned") }.with_context(Context::current());
            let thread = run.thread(|| spawned.now_or_never());
            thread.join().expect("no panic").expect("it waits for nothing");
            let _inner = span("U").entered();
            o("in-U");
        };
        let missed = "U<T cut<T d<T in-U<U o<T spawned<- t<T T<-";
        let exact = "U<T cut<- d<T in-U<U o<T spawned<T t<T T<-";
        let sorted = |text: &str| {
            let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        round();
        let first = run.spans();
        assert_eq!(parents(&first), sorted(missed), "{}", run.title());
        assert!(!current().is_valid());
        round();
        let second = run.spans().split_off(first.len());
        assert_eq!(parents(&second), sorted(exact), "{}", run.title());
        assert!(!current().is_valid());
    });
}
